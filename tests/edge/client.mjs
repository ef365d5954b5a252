// SPDX-License-Identifier: EUPL-1.2
// Node's own HTTP/2 client: sends a beacon so many times on one connection, prints the statuses.
//     node client.mjs URL ORIGIN USER-AGENT BODY TIMES
import http2 from "node:http2";

const [url, origin, agent, body, times] = process.argv.slice(2);
const session = http2.connect(url, {rejectUnauthorized: false});
const ask = () => new Promise((resolve, reject) => {
  const request = session.request({":method": "POST", ":path": "/balise/b", origin, "user-agent": agent});
  request.on("response", (headers) => resolve(headers[":status"]));
  request.on("error", reject);
  request.end(body);
});
const statuses = await Promise.all(Array.from({length: Number(times)}, ask));
console.log(statuses.join(" "));
session.close();
