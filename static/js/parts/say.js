/** The page's words, all of them: a translation is another table like this one. */

const ORDINALS = ["", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** Times and numbers as the words have them. Intl would do it too; it costs a page 20 ms that has just been opened. */
const two = (value) => String(value).padStart(2, "0");
const whole = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
const clock = (at) => `${two(new Date(at).getHours())}:${two(new Date(at).getMinutes())}`;
const second = (at) => `${clock(at)}:${two(new Date(at).getSeconds())}`;
const utc = (at) => `${two(new Date(at).getUTCHours())}:${two(new Date(at).getUTCMinutes())}`;

function day(at) {
  const date = new Date(at);
  const year = date.getFullYear();
  return `${WEEKDAYS[date.getDay()]}, ${date.getDate()} ${MONTHS[date.getMonth()]}${year === new Date().getFullYear() ? "" : ` ${year}`}`;
}

/** The hub's own words about a refusal, as a sentence. */
function sentence(text) {
  return text && `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

function listed(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The same in pieces, so that each name can be an element of its own. */
function inPieces(names, more, verb) {
  const all = more ? [...names, `${more} more`] : names;
  const links = all.map((_, at) => (at === 0 ? "" : at === all.length - 1 ? " and " : ", "));
  return [...all.flatMap((name, at) => [links[at], name]), ` ${verb}`].filter(Boolean);
}

export const say = {
  number: whole,
  ms: (value) => (value < 10 ? value.toFixed(1) : String(Math.round(value))),
  time: clock,
  utc: (at) => `${utc(at)} UTC`,
  day,

  hub: "OpenClaw Hub",
  kinds: { person: "person", agent: "agent", outside: "from outside" },
  via: (platform) => (platform ? `via ${platform[0].toUpperCase()}${platform.slice(1)}` : "from outside, not proved"),
  edited: "edited",
  tookBack: "took this message back.",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "Not copied",

  channels: "Channels",
  others: "Open to join",
  people: "People",
  agents: "Agents",
  channelsAndPeople: "Channels and people",
  you: "you",
  notHeard: "not heard yet",
  presence: { online: "here", away: "away", dnd: "not to be disturbed", offline: "gone" },
  count: (count) => (count > 99 ? "99+" : String(count)),
  unread: (count) => `${say.count(count)} unread`,
  mentions: (count) => `${count === 1 ? "1 mention" : `${count} mentions`} of you`,
  privateChannel: "private",
  newChannel: "New channel",
  channelName: "Name of the new channel",
  makeChannel: "Make it",
  theme: "Light or dark",
  signOut: "Sign out",
  allChannels: "All channels",
  members: (count) => (count === 1 ? "1 member" : `${count} members`),
  messages: (channel) => `Messages in ${channel}`,

  toScreen: " to your screen",
  stored: "stored",
  lastHeard: "last heard",
  noPulse: "no pulse",
  stages: { stored: "stored", published: "published", received: "received", handled: "handled", rendered: "rendered", painted: "painted" },
  pulse: (median, late) =>
    median === null
      ? "The hub's pulse: nothing was painted in the last minute. Budget 50 ms, limit 100 ms."
      : `The hub's pulse: of the last minute's messages half were painted within ${median} ms, 95 of 100 within ${late} ms. Budget 50 ms, limit 100 ms.`,
  hops: (hops) => `On your screen after ${say.ms(hops.painted)} ms: ${Object.entries(hops).map(([stage, ms]) => `${say.stages[stage]} ${say.ms(ms)}`).join(", ")}.`,
  afterMs: (ms) => `On your screen after ${say.ms(ms)} ms`,
  withReaders: (ms) => `With its readers after ${say.ms(ms)} ms`,
  notRemembered: "The hub remembers the way of its newest messages only.",
  asking: "Asking the hub.",
  onDisk: (seq) => `On disk as № ${whole(seq)}`,

  connecting: "Connecting to the hub.",
  reconnecting: (tries, seconds, seq) =>
    `Reconnecting${tries ? `, ${ORDINALS[tries] ? `${ORDINALS[tries]} try` : `try ${tries}`}` : ""}${seconds > 0 ? ` in ${seconds} s` : ""}.${seq ? ` You have everything up to № ${whole(seq)}.` : ""}`,
  tryNow: "Try now",
  gap: "The log no longer reaches back to where you left. What you see below was read anew from the store; nothing is missing from the store.",

  freshSince: (at) => (at ? `New since ${clock(at)}` : "New"),
  moreBelow: (count) => `${say.count(count)} new`,
  toNewest: "To the newest",
  older: "Older messages",
  begins: (days) => `Older messages are removed after ${days === 1 ? "a day" : `${days} days`}.`,
  joined: (names, more) => inPieces(names, more, "joined"),
  left: (names, more) => inPieces(names, more, "left"),
  writing: (names) =>
    names.length > 3 ? `${names.length} are writing` : names.length ? `${listed(names)} ${names.length === 1 ? "is" : "are"} writing` : "",
  folded: (count, senders, seconds) => `${whole(count)} more ${senders ? `from ${senders} agents ` : ""}in ${whole(seconds)} s`,
  lastOf: (who, text) => `the last${who && ` from ${who}`}: ${text}`,
  answered: (who, decision, seq) =>
    decision === "expired" ? `Nobody answered № ${whole(seq)} in time.` : `${who ?? "Somebody"} ${decision === "allow" ? "allowed" : "refused"} № ${whole(seq)}.`,

  actions: "What to do with this message",
  react: "React",
  reply: "Reply in a thread",
  copyLink: "Copy link",
  edit: "Edit",
  takeBack: "Take back",
  takeBackAsk: "Take this message back? Everybody will see that it was there.",
  keep: "Keep it",
  editing: "Writing anew. Enter saves, Esc leaves it as it was.",
  reaction: (emoji, count, mine) => `${emoji} ${count}${mine ? ", yours among them" : ""}`,
  replies: (count) => (count === 1 ? "1 reply" : count ? `${whole(count)} replies` : "No reply yet"),
  newReplies: (count) => (count === 1 ? "1 new reply" : `${whole(count)} new replies`),
  lastReply: (who, at) => (at ? `last ${who ? `from ${who}, ` : ""}${clock(at)}` : ""),
  thread: "Thread",
  repliesHere: "Replies",
  closeThread: "Close the thread",
  writeReply: "Reply",
  allLines: (count) => `Show all ${count} lines`,
  fewerLines: "Show fewer lines",

  needsYou: "Needs you",
  nothingNeeds: "Nothing needs you.",
  asksToRun: " asks to run one command",
  invites: " invites you",
  about: (channel) => `, about ${channel}`,
  bytes: (count) => `${whole(count)} ${count === 1 ? "byte" : "bytes"}`,
  exactly: "Exactly this",
  timeLeft: (s) => (s >= 86_400 ? `${Math.round(s / 86_400)} days left` : s >= 3600 ? `${Math.round(s / 3600)} h left` : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} left`),
  lapses: "then it lapses",
  lapsed: "Nobody answered in time.",
  waitsFor: (who) => `Waits for ${who}.`,
  allowed: (who) => `${who} allowed this once.`,
  refused: (who) => `${who} refused.`,
  allowOnce: "Allow once",
  refuse: "Refuse",
  onlyThese: "Only these exact bytes. Anything else asks again.",
  talkBetween: "Between you two",
  aTalk: "a private talk",
  quietTalk: (who) => `Nothing was said between you and ${who} yet.`,

  jump: "Search or go to",
  jumpShort: "Search or go to",
  jumpKey: /Mac|iP/.test(navigator.platform) ? "⌘ K" : "Ctrl K",
  jumpHint: "Channels, people, agents, and words. from:NAME and in:CHANNEL narrow it.",
  found: "Found",
  channel: "channel",
  talkTo: "private talk",
  nothingFound: (words) => `No message says “${words}”.`,
  noSuchChannel: (name) => `There is no channel ${name}.`,
  searchIn: (channel) => `Search in ${channel}`,
  singleKeys: "Single keys work outside of text",
  close: "Close",
  hereOf: (here, all) => `${here} of ${all}`,

  manage: "Running the hub",
  ownPage: "You, and how the hub is",

  quiet: (channel) => `Nothing has been said in ${channel} yet.`,

  writeTo: (channel) => `Write to ${channel}`,
  writeOn: "Write on, it is kept here",
  send: "Send",
  sending: "sending",
  waits: "waits here",
  tryAgain: "Try again",
  discard: "Discard",
  archived: "This channel is archived: it can be read, not written.",
  notMember: (channel) => `You can read ${channel}. To write there, join it.`,
  join: (channel) => `Join ${channel}`,
  refusal: ({ detail, freeAt }) => (freeAt ? `More than the limit of messages a minute. Free again at ${second(freeAt)}.` : sentence(detail)),

  heard: (count, who, channel) => `${count} new messages in ${channel}, the last from ${who}.`,
  heardOne: (who, channel, text) => `${who} in ${channel}: ${text}`,

  sentence,
  notReached: "The hub does not answer. Try again in a moment.",
};
