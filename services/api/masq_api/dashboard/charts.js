// Accounts on the threshold curve, and traffic over time.

const SVG = "http://www.w3.org/2000/svg";
const WEI_PER_GWEI = 1e9;
const [LEFT, RIGHT, TOP, BOTTOM] = [10, 390, 10, 140];

function part(kind, attributes, text) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

// Ages to the right, amounts upward as their square root, so that small debts are seen too.
export function drawCurve(picture, accounts, thresholds, graceS) {
  const maturity = thresholds.maturity_threshold_sec + graceS;
  const end = maturity + thresholds.threshold_interval_sec;
  const debt = Number(thresholds.debt_threshold_gwei) * WEI_PER_GWEI;
  const permanent = Number(thresholds.permanent_debt_allowed_gwei) * WEI_PER_GWEI;
  const shown = accounts.filter((account) => Number(account.balance) > 0);
  const oldest = Math.max(end * 1.2, ...shown.map((account) => account.age_s));
  const largest = Math.max(debt * 1.3, ...shown.map((account) => Number(account.balance)));
  const x = (ageS) => LEFT + ((RIGHT - LEFT) * Math.min(ageS, oldest)) / oldest;
  const y = (wei) => BOTTOM - (BOTTOM - TOP) * Math.sqrt(Math.max(0, wei) / largest);
  const limit = [[maturity, largest], [maturity, debt], [end, permanent], [oldest, permanent]];
  const path = limit.map(([at, wei], index) => `${index ? "L" : "M"}${x(at).toFixed(1)} ${y(wei).toFixed(1)}`);
  picture.replaceChildren(
    part("line", { class: "axis", x1: LEFT, y1: BOTTOM, x2: RIGHT, y2: BOTTOM }),
    part("line", { class: "axis", x1: LEFT, y1: TOP, x2: LEFT, y2: BOTTOM }),
    part("path", { class: "limit", d: path.join(" ") }),
    ...shown.map((account) => {
      const dot = part("circle", {
        class: account.place, r: 4, cx: x(account.age_s).toFixed(1), cy: y(Number(account.balance)).toFixed(1),
      });
      dot.append(part("title", {}, `${account.wallet}: ${account.balance_masq} MASQ, ${account.age_s} s old`));
      return dot;
    }),
    part("text", { x: RIGHT, y: 154, "text-anchor": "end" }, `oldest unpaid charge, up to ${Math.round(oldest / 3600)} h`),
    part("text", { x: LEFT + 4, y: TOP + 8 }, `${(largest / 1e18).toPrecision(3)} MASQ`),
  );
}

const KEPT = 90;
const samples = [];

// Bytes a second with all neighbors, from their counters.
export function drawTraffic(picture, words, neighbors) {
  const total = (key) => neighbors.reduce((sum, each) => sum + each[key], 0);
  samples.push({ at: performance.now(), in: total("bytes_in"), out: total("bytes_out") });
  if (samples.length > KEPT) samples.shift();
  const rates = samples.slice(1).map((sample, index) => {
    const before = samples[index];
    const seconds = Math.max(0.2, (sample.at - before.at) / 1000);
    return { in: Math.max(0, sample.in - before.in) / seconds, out: Math.max(0, sample.out - before.out) / seconds };
  });
  const most = Math.max(1, ...rates.flatMap((rate) => [rate.in, rate.out]));
  const path = (key) => rates.map((rate, index) =>
    `${index ? "L" : "M"}${((300 * index) / (KEPT - 1)).toFixed(1)} ${(78 - (74 * rate[key]) / most).toFixed(1)}`).join(" ");
  picture.replaceChildren(
    part("path", { class: "in", d: path("in") || "M0 78" }),
    part("path", { class: "out", d: path("out") || "M0 78" }),
  );
  const last = rates.at(-1) ?? { in: 0, out: 0 };
  const text = (rate) => `${(rate / 1e6).toFixed(2)} MB/s`;
  words.textContent = `In ${text(last.in)} (green), out ${text(last.out)} (blue); the highest ${text(most)}.`;
}
