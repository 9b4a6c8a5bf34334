/** The words of the pages beside the chat, read with them: a translation is another table like this one. */

import { say } from "hub/elements";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const dayForm = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const momentForm = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const clockForm = new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });
const universal = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });

function span(ms) {
  if (ms < HOUR_MS) return `${Math.max(1, Math.round(ms / MINUTE_MS))} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}

const some = (count, one, more) => (count === 1 ? `One ${one}.` : `${say.number(count)} ${more ?? `${one}s`}.`);
const percent = (share) => `${(Math.floor(share * 10_000) / 100).toString()}%`;

export const text = {
  pages: { health: "Health", agents: "Agents and people", tokens: "Tokens", invitations: "Invitations", channels: "Channels", audit: "Audit log", settings: "Settings", you: "You" },
  loading: "Reading.",
  adminsOnly: "Only whoever runs the hub sees this.",
  noPage: "There is no such page.",
  notRead: "This could not be read.",
  notReached: "The hub does not answer.",
  tryAgain: "Try again",
  deeds: "What can be done",
  never: "never",
  ago: (at) => (Date.now() - at < MINUTE_MS ? "just now" : Date.now() - at < 30 * DAY_MS ? `${span(Date.now() - at)} ago` : dayForm.format(at)),
  until: (at) => (at < Date.now() ? "over" : `in ${span(at - Date.now())}`),
  date: (at) => dayForm.format(at),
  moment: (at) => momentForm.format(at),
  utc: (at) => `${universal.format(at)} UTC`,
  done: "Done.",

  allWell: "All is well.",
  notWell: "Something is not as it should be.",
  sinceStart: (seq, startedAt, version) => `№ ${say.number(seq)} is on disk. Version ${version}, started ${text.ago(startedAt)}.`,
  sentence: (words) => `${words}.`,
  stagesTitle: "A message on its way to the screen, last five minutes, ms",
  stagesHint: "Counted by the hub for all readers. The dotted line is the newest message on this screen.",
  nothingMeasured: "Nobody said anything in the last five minutes. Say something, and its way appears here.",
  dayTitle: "Painted, last 24 hours",
  nothingPainted: "Nothing was painted since the hub started.",
  dayLabel: (painted) => {
    const best = say.ms(Math.min(...painted.map(({ medianMs }) => medianMs)));
    const worst = say.ms(Math.max(...painted.map(({ medianMs }) => medianMs)));
    const late = say.ms(Math.max(...painted.map(({ lateMs }) => lateMs)));
    return `Ten minutes at a time, half of the messages were painted within ${best} to ${worst} ms, 95 of 100 within ${late} ms at worst.`;
  },
  clock: (at) => clockForm.format(at),
  now: "now",
  median: "median",
  budget: "budget",
  hop: "hop",
  share: "share of messages, 0 to 100 ms",
  promises: "Promises, 30 days",
  promise: "promise",
  kept: "kept",
  atLeast: "at least",
  roomLeft: "room left",
  objectives: { post: "What is sent is accepted", fanned_out: "With its readers within 50 ms", painted: "Painted within 100 ms", signals: "Presence and typing within 100 ms", ttl: "What runs out does so within 1 s" },
  percent,
  notCounted: "nothing counted yet",
  overdrawn: "used up",
  burning: "missed too often right now",
  partsTitle: "Parts",
  boxTitle: "The box",
  parts: { database: "Database", redis: "Redis", disk: "Disk", canary: "Canary" },
  isWell: "well",
  canaryTook: (ms) => `its own message took ${say.ms(ms)} ms`,
  free: (bytes) => `${say.number(Math.round(bytes / 1e9))} GB free`,
  streams: "Open streams",
  inLog: "Events in the log",
  memory: "Memory",
  mebibytes: (bytes) => `${say.number(Math.round(bytes / 2 ** 20))} MiB`,
  alerts: "Alerts",
  noAlerts: (startedAt) => `None since the hub started, ${text.ago(startedAt)}.`,
  severity: { critical: "critical", warning: "warning", info: "over" },
  when: "When",
  what: "What",

  name: "Name",
  accounts: (count) => some(count, "account"),
  agentsAndPeople: "Agents and people",
  newAccount: "A new account",
  newAccountHint: "Programs get an account and a token here. A person comes by an invitation.",
  kind: "Kind",
  aBridge: "bridge to elsewhere",
  admin: "runs the hub",
  makeAdmin: "Let run the hub",
  dropAdmin: "Run the hub no longer",
  passwordLink: "Link for a new password",
  agentName: "The agent's name",
  makeIt: "Make it",
  makeToken: "Make its key",
  remove: "Remove",
  removeSure: "Remove now?",

  tokens: "Tokens",
  tokensLede: (count) => (count ? some(count, "token") : "No token yet."),
  noTokens: "There is no token. An agent needs one to say anything.",
  whose: "Whose",
  purpose: "What for",
  scopesTitle: "May",
  scopes: { read: "read", write: "write", admin: "run the hub" },
  may: (scopes) => scopes.map((scope) => text.scopes[scope]).join(", "),
  made: "Made",
  lastUse: "Last use",
  expires: "Runs out",
  expiries: [["0", "never"], ["1", "in a day"], ["30", "in 30 days"], ["90", "in 90 days"], ["365", "in a year"]],
  newToken: "A new token",
  madeHere: "made on the page",
  rotate: "New key beside it",
  rotateHint: "To change a key without a pause: make a new one beside it, put it in place, then revoke the old one. Both are good meanwhile.",
  revoke: "Revoke",
  revokeSure: "Revoke it now?",
  keyOnce: (agent) => `The key of ${agent}. It is shown this once.`,
  keyBeside: (agent) => `The new key of ${agent}, shown this once. The old one is good until you revoke it.`,

  invitationsLede: (count) => (count ? some(count, "open link") : "No link is open."),
  invite: "Invite somebody",
  inviteHint: "Whoever follows the link first makes an account with it. It is good once, for three days.",
  makeLink: "Make a link",
  linkOnce: "The link, shown this once.",
  linkFor: (who) => `The link by which ${who} sets a new password, shown this once. It is good for an hour.`,
  openLinks: "Links that nobody has followed yet",
  noLinks: "None. A link is gone when somebody follows it, when it runs out, or when you take it back.",
  purposes: { first: "the first person", account: "a new person", password: "a new password" },
  withdraw: "Take back",
  withdrawSure: "Take it back now?",

  channels: "Channels",
  channelsLede: (count) => some(count, "channel"),
  topic: "Topic",
  members: "Members",
  membersOf: (channel) => `Members of ${channel}`,
  role: "Role",
  roleOf: (agent) => `Role of ${agent}`,
  roles: { member: "member", moderator: "moderator", owner: "owner" },
  addMember: "Add",
  archive: "Archive",
  archiveSure: "Archive it now?",
  isArchived: "archived",

  auditLede: "Who did what.",
  auditHint: "What was done to accounts, keys and other people's channels. Nobody can change this log, not here and not by the API.",
  noEntries: "Nothing was done yet.",
  who: "Who",
  older: "Older",
  actions: {
    "agent.create": "made the account", "agent.change": "changed the account", "agent.end": "removed the account", "token.issue": "made a token for", "token.revoke": "revoked a token of",
    "invitation.create": "made a one-time link", "invitation.withdraw": "took a one-time link back", "password.change": "set the password of", "session.end": "ended a session of", "global.announce": "told everybody",
    "channel.archive": "archived the channel", "channel.change": "changed the channel", "channel.delete": "deleted the channel", "member.change": "seated somebody in", "member.remove": "removed somebody from",
  },
  details: "Details",

  settingsLede: "What the hub runs with.",
  settingsHint: "Read only: settings stand in hub.toml, in HUB_… variables and on the command line, and are read when the hub starts. Passwords are left out.",
  sections: { server: "Server", database: "Database", redis: "Redis", limits: "Limits a minute", streams: "Streams", log: "Log", messages: "Messages", probe: "Canary", data_dir: "Data" },
  nothingSet: "not set",

  youLede: (name) => `You are ${name}.`,
  sessions: "Where you are signed in",
  device: "Browser",
  signedIn: "Signed in",
  thisOne: "this one",
  endIt: "End it",
  endSure: "End it now?",
  everywhere: "Sign out everywhere",
  everywhereSure: "Sign out here too?",
  noSessions: "You are signed in by a proxy, which keeps its own sessions.",
  someBrowser: "a browser",
  on: (browser, system) => (system ? `${browser} on ${system}` : browser),
  password: "Another password",
  current: "The present one",
  wanted: "The new one",
  passwordHint: "Twelve characters or more. Your other sessions end.",
  change: "Change it",
  thisBrowser: "In this browser",
  theme: "Colours",
  themes: [["", "as the system has them"], ["light", "light"], ["dark", "dark"]],
  notices: "Notices of mentions, private words and questions",
  noNotices: {
    insecure: "This page came without TLS. Browsers show notices of pages with TLS only, and of those from this computer itself.",
    missing: "This browser has no notices for pages.",
    denied: "This browser was told to show no notices of this page; its settings for the site can change that.",
  },
  singleKeys: "Single keys work outside of text",
  language: "Language",
  languages: "English, the only one so far",
};
