// Ask the management API with the session's cookie. A change carries a header of its own, which no
// other site can make a browser send.

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function ask(path, { method = "GET", body, etag } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-Masq-Request"] = "dashboard";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-Match"] = etag;
  const answer = await fetch(path, {
    method,
    headers,
    credentials: "same-origin",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const content = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, content.detail ?? `HTTP ${answer.status}`);
  return { content, etag: answer.headers.get("ETag") };
}

export const get = async (path) => (await ask(path)).content;

export async function items(path) {
  const found = [];
  let cursor = "";
  for (let page = 0; page < 5; page += 1) {
    const mark = path.includes("?") ? "&" : "?";
    const part = await get(`${path}${mark}limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    found.push(...part.items);
    if (!part.next) break;
    cursor = part.next;
  }
  return found;
}
