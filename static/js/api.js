/** The hub's HTTP calls, one function each. Only the folder main knows this module. */

/** A refusal: `status` 0 means that the hub was not reached; `code`, `detail` and `field` are the problem's own. */
export class ApiError extends Error {
  constructor(status, problem = {}, retryAfterS = 0) {
    super(problem.detail || problem.title || `status ${status}`);
    this.status = status;
    this.code = problem.code || "";
    this.field = problem.field || "";
    this.retryAfterS = retryAfterS;
  }

  /** Whether the same request may succeed later without anybody changing it. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

/** One call: what was answered as JSON or text, null for nothing. Throws ApiError. */
export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(15_000),
    });
  } catch {
    throw new ApiError(0);
  }
  if (!response.ok) {
    throw new ApiError(response.status, await problemOf(response), Number(response.headers.get("Retry-After")) || 0);
  }
  if (response.status === 204) return null;
  if (response.headers.get("Content-Type")?.startsWith("text/plain")) return response.text();
  try {
    return await response.json();
  } catch {
    throw new ApiError(0);
  }
}

function query(values) {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return new URLSearchParams(kept).toString();
}

const at = encodeURIComponent;

/** Runs a call; a caller who is no longer signed in goes to the form. */
export async function asked(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) location.replace("/");
    throw error;
  }
}

/** Does something and calls `done` with nothing, or with the words of a refusal. */
export async function answered(done, act) {
  try {
    await act();
    done("");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    done(error.message);
  }
}

const channel = (id, rest = "") => `/api/channels/${at(id)}${rest}`;
const message = (id, rest = "") => `/api/messages/${at(id)}${rest}`;
const agent = (id, rest = "") => `/api/agents/${at(id)}${rest}`;

export const api = {
  agents: () => call("GET", "/api/agents"),
  channels: () => call("GET", "/api/channels"),
  unread: () => call("GET", "/api/unread"),
  messages: (channelId, { before, after, limit } = {}) =>
    call("GET", `/api/messages?${query({ channelId, before, after, limit })}`),
  message: (id) => call("GET", message(id)),
  post: (body) => call("POST", "/api/messages", body),
  latency: (id) => call("GET", message(id, "/latency")),
  edit: (id, content) => call("PATCH", message(id), { content }),
  remove: (id) => call("DELETE", message(id)),
  react: (id, emoji) => call("PUT", message(id, `/reactions/${at(emoji)}`)),
  unreact: (id, emoji) => call("DELETE", message(id, `/reactions/${at(emoji)}`)),
  html: (ids) => call("GET", `/api/messages/html?${query({ ids: ids.join(",") })}`),
  search: (wanted) => call("GET", `/api/search?${query(wanted)}`),
  openThread: (thread) => call("POST", "/api/threads", thread),
  thread: (id) => call("GET", `/api/threads/${at(id)}`),
  replies: (threadId, { limit } = {}) => call("GET", `/api/messages?${query({ threadId, limit })}`),
  readThread: (id, messageId) => call("PUT", `/api/threads/${at(id)}/read`, { messageId }),
  works: (channelId, before) => call("GET", `${channel(channelId, "/collaboration")}?${query({ before })}`),
  join: (channelId, agentId) => call("PUT", channel(channelId, `/members/${at(agentId)}`), { role: "member" }),
  read: (channelId, messageId) => call("PUT", channel(channelId, "/read"), { messageId }),
  type: (channelId, started) => call("PUT", channel(channelId, "/typing"), { started }),
  appear: (channelId, status) => call("PUT", channel(channelId, "/presence"), { status }),
  presence: (channelId) => call("GET", channel(channelId, "/presence")),
  makeChannel: (body) => call("POST", "/api/channels", body),
  time: () => call("GET", "/api/time"),
  makeAgent: (body) => call("POST", "/api/agents", body),
  told: (id, { peer, before, limit }) => call("GET", agent(id, `/events?${query({ peer, before, limit })}`)),
  tell: (id, event) => call("POST", agent(id, "/events"), event),
  decide: (id, seq, decision) => call("POST", agent(id, `/events/${seq}/answer`), { decision }),
  makeToken: (token) => call("POST", "/api/tokens", token),
  login: (person) => call("POST", "/api/login", person),
  logout: () => call("POST", "/api/logout"),
  welcome: (person) => call("POST", "/api/welcome", person),
};
