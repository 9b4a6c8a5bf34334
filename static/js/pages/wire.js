/** The calls that only the pages beside the chat make. */

import { call } from "hub/api";

const at = encodeURIComponent;

export const wire = {
  health: () => call("GET", "/api/health"),
  settings: () => call("GET", "/api/settings"),
  audit: (before) => call("GET", `/api/audit?limit=50${before ? `&before=${before}` : ""}`),
  tokens: () => call("GET", "/api/tokens"),
  dropToken: (id) => call("DELETE", `/api/tokens/${at(id)}`),
  alterAgent: (id, changes) => call("PATCH", `/api/agents/${at(id)}`, changes),
  dropAgent: (id) => call("DELETE", `/api/agents/${at(id)}`),
  invitations: () => call("GET", "/api/invitations"),
  invite: (body) => call("POST", "/api/invitations", body),
  withdraw: (id) => call("DELETE", `/api/invitations/${at(id)}`),
  sessions: () => call("GET", "/api/sessions"),
  endSession: (id) => call("DELETE", `/api/sessions/${at(id)}`),
  endSessions: () => call("DELETE", "/api/sessions"),
  password: (body) => call("PUT", "/api/me/password", body),
  members: (channelId) => call("GET", `/api/channels/${at(channelId)}/members`),
  seat: (channelId, agentId, role) => call("PUT", `/api/channels/${at(channelId)}/members/${at(agentId)}`, { role }),
  unseat: (channelId, agentId) => call("DELETE", `/api/channels/${at(channelId)}/members/${at(agentId)}`),
  keep: (id, retentionDays) => call("PATCH", `/api/channels/${at(id)}`, { retentionDays }),
  archive: (id) => call("POST", `/api/channels/${at(id)}/archive`),
};
