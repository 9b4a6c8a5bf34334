/** The hub's HTTP calls, one function each. Only main.js knows this module. */

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

async function call(method, path, body) {
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

export const api = {
  me: () => call("GET", "/api/me"),
  agents: () => call("GET", "/api/agents"),
  channels: () => call("GET", "/api/channels"),
  messages: (channelId, { before, after, limit } = {}) =>
    call("GET", `/api/messages?${query({ channelId, before, after, limit })}`),
  post: (message) => call("POST", "/api/messages", message),
  join: (channelId, agentId) => call("PUT", `/api/channels/${at(channelId)}/members/${at(agentId)}`, { role: "member" }),
  time: () => call("GET", "/api/time"),
  makeAgent: (agent) => call("POST", "/api/agents", agent),
  makeToken: (token) => call("POST", "/api/tokens", token),
  makeChannel: (channel) => call("POST", "/api/channels", channel),
  login: (person) => call("POST", "/api/login", person),
  logout: () => call("POST", "/api/logout"),
  welcome: (person) => call("POST", "/api/welcome", person),
};
