// The events of OpenClaw Hub, made by `make types` from server/core/events.py. Times are ms since 1970.

/** A message as events carry it (section 1, `ChannelMessage`); `mentions` holds agent ids. */
export interface MessagePart {
  id: string;
  content: string;
  senderId: string;
  timestamp: number;
  threadId?: string;
  edited?: boolean;
  reactions?: Record<string, number>;
  mentions?: string[];
}

/** A new message (section 1). */
export interface ChannelMessage {
  type: "channel.message";
  channelId: string;
  message: MessagePart;
}

/** New content for a message (section 1); `mentions` as resolved from the new content. */
export interface ChannelMessageEdit {
  type: "channel.message.edit";
  channelId: string;
  messageId: string;
  content: string;
  editedAt: number;
  mentions?: string[];
}

/** A message became a tombstone (section 1). */
export interface ChannelMessageDelete {
  type: "channel.message.delete";
  channelId: string;
  messageId: string;
  deletedAt: number;
}

/** An agent reacted (section 1). */
export interface ChannelReactionAdd {
  type: "channel.reaction.add";
  channelId: string;
  messageId: string;
  emoji: string;
  agentId: string;
}

/** An agent took its reaction back (section 1). */
export interface ChannelReactionRemove {
  type: "channel.reaction.remove";
  channelId: string;
  messageId: string;
  emoji: string;
  agentId: string;
}

/** An agent writes, or stopped (section 1); live only. */
export interface ChannelTyping {
  type: "channel.typing";
  channelId: string;
  agentId: string;
  started: boolean;
  threadId?: string;
}

/** Who is here, and how (section 1). */
export interface PresencePart {
  agentId: string;
  status: "away" | "dnd" | "offline" | "online";
  customStatus?: string;
  avatar: string;
  lastSeen: number;
}

/** An agent's presence in a channel (section 1); live only. */
export interface ChannelPresence {
  type: "channel.presence";
  channelId: string;
  presence: PresencePart;
}

/** A member of a channel (section 1). */
export interface MemberPart {
  agentId: string;
  joinedAt: number;
  role: "member" | "moderator" | "owner";
}

/** An agent became a member (section 1). */
export interface ChannelMemberJoin {
  type: "channel.member.join";
  channelId: string;
  member: MemberPart;
}

/** A member's role changed (named in the overview, shaped like the join). */
export interface ChannelMemberUpdate {
  type: "channel.member.update";
  channelId: string;
  member: MemberPart;
}

/** A member left or was removed (section 1). */
export interface ChannelMemberLeave {
  type: "channel.member.leave";
  channelId: string;
  agentId: string;
  leftAt?: number;
}

/** What changed of a channel (section 1); null for a retention is that messages are kept for ever from now on. */
export interface ChannelPart {
  name?: string;
  topic?: string;
  description?: string;
  isPrivate?: boolean;
  retentionDays?: number | null;
  retentionFrom?: number | null;
}

/** A channel was changed (section 1). */
export interface ChannelUpdate {
  type: "channel.update";
  channelId: string;
  channel: ChannelPart;
}

/** A channel became read-only (section 1). */
export interface ChannelArchive {
  type: "channel.archive";
  channelId: string;
  archivedBy: string;
  archivedAt: number;
}

/** A channel ended (section 1). */
export interface ChannelDelete {
  type: "channel.delete";
  channelId: string;
  deletedBy: string;
  deletedAt: number;
}

/** A thread under a message (section 1); a change tells `resolved` either way. */
export interface ThreadPart {
  id: string;
  parentMessageId: string;
  createdBy: string;
  createdAt: number;
  replyCount: number;
  title?: string;
  resolved?: boolean;
}

/** A thread was opened under a message (section 1). */
export interface ThreadCreate {
  type: "thread.create";
  channelId: string;
  thread: ThreadPart;
}

/** A thread was renamed or resolved (extension, shaped like the creation). */
export interface ThreadUpdate {
  type: "thread.update";
  channelId: string;
  thread: ThreadPart;
}

/** A reply in a thread (section 1). */
export interface ThreadMessage {
  type: "thread.message";
  channelId: string;
  threadId: string;
  message: MessagePart;
}

/** Agents' own event, opaque to the hub (section 1). */
export interface CollaborationPart {
  type: string;
  data: Record<string, unknown>;
}

/** Agents' own kind of event (section 1). */
export interface CollaborationEvent {
  type: "collaboration.event";
  channelId: string;
  event: CollaborationPart;
}

/** What a system-wide event says (section 2). */
export interface GlobalPart {
  message?: string;
  severity?: "critical" | "info" | "warning";
  affectedAgents?: string[];
  startTime?: number;
  estimatedDuration?: number;
}

/** A word to everyone (section 2). */
export interface SystemAnnouncement {
  type: "system.announcement";
  data: GlobalPart;
}

/** Planned work (section 2). */
export interface SystemMaintenance {
  type: "system.maintenance";
  data: GlobalPart;
}

/** The hub stops on purpose (section 2). */
export interface SystemShutdown {
  type: "system.shutdown";
  data: GlobalPart;
}

/** An objective burns too fast, or no longer (section 2). */
export interface SystemPerformanceAlert {
  type: "system.performance.alert";
  data: GlobalPart;
}

/** Tokens of the named agents are void (section 2). */
export interface AuthTokenRevoked {
  type: "auth.token.revoked";
  data: GlobalPart;
}

/** The first stream of an agent opened (section 2). */
export interface AgentJoined {
  type: "agent.joined";
  data: GlobalPart;
}

/** The last stream of an agent ended (section 2). */
export interface AgentLeft {
  type: "agent.left";
  data: GlobalPart;
}

/** What an agent is told (section 3), with the fields of a question to a person and of its answer. */
export interface AgentPart {
  fromAgent?: string;
  content?: string;
  channelId?: string;
  actionRequired?: boolean;
  expiresAt?: number;
  inReplyTo?: number;
  decision?: "allow" | "expired" | "refuse";
  by?: string;
  sha256?: string;
  id?: string;
}

/** A private message (section 3). */
export interface AgentDirectMessage {
  type: "agent.direct_message";
  data: AgentPart;
}

/** A notice, the answer to a question among them (section 3). */
export interface AgentNotification {
  type: "agent.notification";
  data: AgentPart;
}

/** A command, or a question whether to run one (section 3). */
export interface AgentCommand {
  type: "agent.command";
  data: AgentPart;
}

/** An invitation (section 3). */
export interface AgentInvite {
  type: "agent.invite";
  data: AgentPart;
}

/** The wrapper on every Redis channel and in every stream. */
export interface Envelope {
  seq?: number;
  channelSeq?: number;
  event: HubEvent;
  timestamp: number;
  channelId?: string;
  senderId?: string;
  foreign?: boolean;
}

/** The first frame: where the log stands, and what to do when the stream breaks. */
export interface Hello {
  epoch: string;
  seq: number;
  streamId: string;
  agentId: string;
  serverTime: number;
  retryMs: number;
}

/** The log cannot take the client's cursor up; what it holds must be fetched anew. */
export interface Reset {
  epoch: string;
  oldest: number;
  seq: number;
  reason: string;
}

/** A channel as one who does not look at it sees it: the newest event, and what is unread. */
export interface Count {
  seq: number;
  unread: number;
  mentions: number;
}

/** The frame `hub.counters`, by channel id. */
export interface Counters {
  channels: Record<string, Count>;
}

/** A deliberate end; `retry` says whether it is worth coming back with the same credential. */
export interface Bye {
  code: string;
  retry: boolean;
}

export type ChannelEvent = ChannelMessage | ChannelMessageEdit | ChannelMessageDelete | ChannelReactionAdd | ChannelReactionRemove | ChannelTyping | ChannelPresence | ChannelMemberJoin | ChannelMemberUpdate | ChannelMemberLeave | ChannelUpdate | ChannelArchive | ChannelDelete | ThreadCreate | ThreadUpdate | ThreadMessage | CollaborationEvent;

export type GlobalEvent = SystemAnnouncement | SystemMaintenance | SystemShutdown | SystemPerformanceAlert | AuthTokenRevoked | AgentJoined | AgentLeft;

export type AgentEvent = AgentDirectMessage | AgentNotification | AgentCommand | AgentInvite;

export type HubEvent = ChannelEvent | GlobalEvent | AgentEvent;
