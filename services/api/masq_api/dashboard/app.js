// The dashboard: logs in, asks the API every few seconds, and follows events as they happen.

import { ask, get, items } from "./api.js";
import { drawCurve, drawTraffic } from "./charts.js";
import { drawGraph } from "./graph.js";
import { identicon } from "./identicon.js";
import { age, bytes, element, facts, masq, named, table, time } from "./show.js";
import { loadThresholds, wireThresholds } from "./thresholds.js";

const FAST_MS = 2000;
const SLOW_MS = 10000;
const EVENTS_SHOWN = 200;

const at = (id) => document.getElementById(id);
let node = null;
let thresholds = null;
let stream = null;
let timers = [];

async function refreshMesh() {
  node = await get("/v1/node");
  at("own-id").textContent = node.node_id.slice(0, 12);
  at("own-id").title = node.node_id;
  if (!at("own-icon").firstChild) at("own-icon").append(identicon(node.node_id));
  const down = Object.entries(node.services).filter(([, service]) => !service.ready).map(([name]) => name);
  at("stage").textContent = `${node.stage}${node.stage_reason && ` (${node.stage_reason})`} on ${node.chain}; `
    + (down.length ? `not well: ${down.join(", ")}` : "all services are well");
  at("stage").className = down.length || node.stage !== "routable" ? "warn" : "good";
  const neighbors = await items("/v1/neighbors");
  table(at("neighbors"), [
    ["node", (each) => named(each.node_id)],
    ["edge", (each) => each.edge],
    ["link", (each) => (each.link_up ? "up" : "down")],
    ["ms", (each) => each.rtt_ms?.toFixed(1), "number"],
    ["in", (each) => bytes(each.bytes_in), "number"],
    ["out", (each) => bytes(each.bytes_out), "number"],
  ], neighbors, "No neighbors yet.");
  drawTraffic(at("traffic"), at("traffic-text"), neighbors);
  drawGraph(at("graph"), at("graph-text"), (await get("/v1/neighborhood")).items, node.node_id);
}

async function refreshMoney() {
  const [summary, payables, receivables, settlements, wallets, scans] = await Promise.all([
    get("/v1/ledger/summary"), items("/v1/ledger/payables"), items("/v1/ledger/receivables"),
    items("/v1/settlements"), get("/v1/wallets"), get("/v1/scans"),
  ]);
  facts(at("summary"), [
    ["we owe", masq(summary.payable_masq)], ["of that due", masq(summary.payable_over_masq)],
    ["we are owed", masq(summary.receivable_masq)], ["of that overdue", masq(summary.receivable_over_masq)],
    ["charged to us, ever", masq(summary.payable_charged_masq)], ["earned, ever", masq(summary.receivable_charged_masq)],
  ]);
  const columns = [
    ["wallet", (each) => named(each.wallet, 10)],
    ["MASQ", (each) => each.balance_masq, "number"],
    ["age", (each) => age(each.age_s), "number"],
    ["traffic", (each) => bytes(each.size), "number"],
    ["place", (each) => element("span", each.place, { class: each.place === "over" ? "bad" : "" })],
  ];
  table(at("payables"), columns, payables, "This node owes nothing.");
  table(at("receivables"), columns, receivables, "Nobody owes this node anything.");
  if (thresholds) {
    drawCurve(at("payables-curve"), payables, thresholds, 0);
    drawCurve(at("receivables-curve"), receivables, thresholds, thresholds.payment_grace_period_sec);
  }
  table(at("settlements"), [
    ["no.", (each) => each.number, "number"], ["to", (each) => named(each.wallet, 10)],
    ["MASQ", (each) => each.amount_masq, "number"], ["phase", (each) => each.phase],
    ["since", (each) => time(each.created_at)], ["", (each) => each.reason, "wide"],
  ], settlements, "This node has paid nothing yet.");
  table(at("wallets"), [
    ["wallet", (each) => named(each.wallet, 10)], ["", (each) => each.role],
    ["MASQ", (each) => each.tokens_masq, "number"], ["", (each) => each.reason, "wide"],
  ], wallets.wallets, "This node has no wallets.");
  table(at("scans"), [
    ["scan", (each) => each.kind], ["last", (each) => time(each.finished_at)],
    ["what it did", (each) => element("span", each.outcome || "-", { class: each.is_well ? "" : "bad" }), "wide"],
    ["", (each) => button("Run", `Run the ${each.kind} scan`, () => ask("/v1/scans", { method: "POST", body: { kind: each.kind } }), refreshMoney)],
  ], scans.items, "This node has no scans.");
}

async function refreshBans() {
  const bans = await items("/v1/bans");
  table(at("ban-list"), [
    ["who", (each) => named(each.node_id ?? each.wallet, 10)],
    ["why", (each) => each.reason ?? each.cause ?? `served (${each.decision})`],
    ["since", (each) => time(each.since)],
    ["owes", (each) => (each.owed_masq ? masq(each.owed_masq) : "-"), "number"],
    ["note", (each) => each.note ?? each.evidence, "wide"],
    ["", (each) => pardonButton(each)],
  ], bans, "Nobody is banned.");
}

function pardonButton(ban) {
  if (ban.node_id) {
    return button("Pardon", `Pardon ${ban.node_id}`, () => ask(`/v1/bans/${ban.node_id}`, { method: "DELETE" }), refreshBans);
  }
  const path = `/v1/bans/wallets/${ban.wallet}`;
  if (ban.decision) return button("Withdraw", `Withdraw the decision about ${ban.wallet}`, () => ask(path, { method: "DELETE" }), refreshBans);
  const body = { decision: "pardon", note: "on the dashboard" };
  return button("Pardon", `Pardon ${ban.wallet}`, () => ask(path, { method: "PUT", body }), refreshBans);
}

function button(text, label, work, after) {
  const made = element("button", text, { type: "button", "aria-label": label });
  made.addEventListener("click", () => attempt(async () => { await work(); await after(); }));
  return made;
}

// -- events ------------------------------------------------------------------------------------

const TOLD = {
  "link-opened": (data) => `link with ${short(data.peer)} (${data.inbound ? "it called" : "we called"})`,
  "link-closed": (data) => `link with ${short(data.peer)} closed: ${data.reason}`,
  "dial-failed": (data) => `${short(data.peer)} is not reached: ${data.reason}`,
  "stage-changed": (data) => `${data.before} → ${data.stage}${data.reason && `: ${data.reason}`}`,
  "wallet-stance-changed": (data) => `${data.wallet.slice(0, 10)} is ${data.cause ? `refused (${data.cause})` : "served"}`,
  "payment-changed": (data) => `payment ${data.payment.number} to ${data.payment.wallet.slice(0, 10)} is ${data.payment.phase}`,
};
const short = (name) => (name ?? "").slice(0, 8);

function showEvent(kind, data) {
  const list = at("event-list");
  const text = TOLD[kind]?.(data) ?? kind;
  list.prepend(element("li", [element("time", time(data.at), { datetime: data.at, class: "small" }), ` ${text}`]));
  while (list.children.length > EVENTS_SHOWN) list.lastChild.remove();
}

async function followEvents() {
  at("event-list").replaceChildren();
  const past = await items("/v1/events");
  for (const event of past.slice(-EVENTS_SHOWN)) showEvent(event.type, event.data);
  stream = new EventSource("/v1/events/stream");
  for (const kind of Object.keys(TOLD)) {
    stream.addEventListener(kind, (event) => {
      showEvent(kind, JSON.parse(event.data));
      if (kind.startsWith("link") || kind.startsWith("stage")) attempt(refreshMesh);
      if (kind.startsWith("wallet")) attempt(refreshBans);
      if (kind.startsWith("payment")) attempt(refreshMoney);
    });
  }
}

// -- in and out --------------------------------------------------------------------------------

async function attempt(work) {
  try {
    await work();
    at("problem").textContent = "";
  } catch (error) {
    if (error.status === 401) return leave();
    at("problem").textContent = error.message;
  }
}

function every(milliseconds, work) {
  timers.push(setInterval(() => { if (!document.hidden) attempt(work); }, milliseconds));
}

async function enter() {
  at("login").hidden = true;
  at("app").hidden = false;
  await attempt(async () => { thresholds = await loadThresholds(); });
  await Promise.all([attempt(refreshMesh), attempt(refreshMoney), attempt(refreshBans), attempt(followEvents)]);
  every(FAST_MS, refreshMesh);
  every(SLOW_MS, refreshMoney);
  every(SLOW_MS, refreshBans);
}

function leave() {
  timers.forEach(clearInterval);
  timers = [];
  stream?.close();
  at("app").hidden = true;
  at("login").hidden = false;
  at("token").focus();
}

at("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = at("token").value.trim();
  try {
    await ask("/session", { method: "POST", body: { token } });
    at("token").value = "";
    at("login-problem").textContent = "";
    await enter();
  } catch (error) {
    at("login-problem").textContent = error.message;
  }
});
at("logout").addEventListener("click", async () => { await attempt(() => ask("/session", { method: "DELETE" })); leave(); });
wireThresholds(async () => { thresholds = await loadThresholds(); await attempt(refreshMoney); });

try {
  await get("/v1/node");
  await enter();
} catch {
  leave();
}
