// Amounts of CPU and memory as people read them.

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Cores or bytes in few digits; a dash where nothing is known. */
export function amount(value, resource) {
  if (value === null || value === undefined) return "–";
  if (resource === "cpu") return value < 10 ? `${Math.round(value * 1000)}m` : digits(value);
  let [left, unit] = [value, 0];
  while (left >= 1024 && unit + 1 < BINARY.length) [left, unit] = [left / 1024, unit + 1];
  return `${digits(left)} ${BINARY[unit]}`;
}

/** USD a month with its sign. */
export function dollars(usd) {
  const rounded = Math.abs(usd).toFixed(2);
  return rounded === "0.00" ? "0.00" : `${usd < 0 ? "−" : "+"}${rounded}`;
}

function digits(value) {
  return String(Number(value.toPrecision(3)));
}
