// SPDX-License-Identifier: EUPL-1.2
// The only way to the server. The session's cookie goes along by itself and is out of reach here.

/** The status where there was no answer at all. */
export const UNREACHABLE = 0;

/** The server said no; status and detail are those of its problem document (RFC 9457). */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? '');
    this.status = status;
  }
}

/** Where a question is asked: parameters that are undefined or empty are left out. */
export function address(route, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1/${route}${query && '?'}${query}`;
}

async function send(method, route, { parameters, body, type, signal } = {}) {
  const headers = { Accept: 'application/json', ...(type && { 'Content-Type': type }) };
  const response = await fetch(address(route, parameters), { method, body, signal, headers }).catch((error) => {
    if (signal?.aborted) throw error;
    throw new Refused(UNREACHABLE, {});
  });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  return response.status === 204 ? null : response.json();
}

export const get = (route, parameters, signal) => send('GET', route, { parameters, signal });
export const post = (route, parameters, value) => send('POST', route, { parameters, body: JSON.stringify(value), type: 'application/json' });
export const remove = (route, parameters) => send('DELETE', route, { parameters });
export const session = () => get('sign-in');
export const signIn = (token) => send('POST', 'sign-in', { body: token });
export const signOut = () => send('DELETE', 'sign-in');
