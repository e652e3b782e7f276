// Thresholds: looked at, tried (preview), changed by who has seen what is in force (ETag).

import { ask } from "./api.js";
import { element } from "./show.js";

const HELP = {
  debt_threshold_gwei: "A mature debt above it is due at once",
  maturity_threshold_sec: "No debt is due before this age",
  payment_grace_period_sec: "So much later a debtor is banned",
  permanent_debt_allowed_gwei: "Up to here no debt is ever due",
  threshold_interval_sec: "The threshold falls in this time",
  unban_below_gwei: "Served again at or below",
  credit_limit_gwei: "Nobody may owe more; empty: 1.5 times the debt threshold",
  newcomer_limit_gwei: "Who has not paid as much may not owe more; empty: as others",
};

let etag = null;

export async function loadThresholds() {
  const answer = await ask("/v1/thresholds");
  etag = answer.etag;
  const fields = document.getElementById("threshold-fields");
  fields.replaceChildren(...Object.entries(answer.content).map(([name, value]) => {
    const input = element("input", "", { name, inputmode: "numeric", pattern: "[0-9]*", value: value ?? "" });
    return element("label", [`${name.replaceAll("_", " ")}: ${HELP[name] ?? ""}`, input]);
  }));
  return answer.content;
}

function wanted() {
  const found = {};
  for (const input of document.querySelectorAll("#threshold-fields input")) {
    const text = input.value.trim();
    if (input.name.endsWith("_gwei")) found[input.name] = text === "" ? null : text;
    else found[input.name] = text === "" ? null : Number(text);
  }
  return found;
}

function say(text, kind = "") {
  const place = document.getElementById("threshold-said");
  place.textContent = text;
  place.className = kind;
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (error.status === 412) {
      say("Somebody else has changed the thresholds meanwhile. Load what is in force, and change that.", "bad");
    } else {
      say(error.message, "bad");
    }
  }
}

export function wireThresholds(changed) {
  document.getElementById("preview").addEventListener("click", () => attempt(async () => {
    const shown = (await ask("/v1/thresholds/preview", { method: "POST", body: wanted() })).content;
    say(`This would ban ${shown.bans} wallets, serve ${shown.unbans} again, and make ${shown.payments} of our debts due.`, "warn");
  }));
  document.getElementById("threshold-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const answer = await ask("/v1/thresholds", { method: "PUT", body: wanted(), etag });
      etag = answer.etag;
      say("Saved; in force from now on.", "good");
      changed();
    });
  });
  document.getElementById("reload").addEventListener("click", () => attempt(async () => {
    await loadThresholds();
    say("These are in force.");
  }));
}
