// How sizes, times and rates are written for people, on every page that shows them.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** 1536 is "1.5 KiB": three digits at most before the unit. */
export function formatSize(bytes) {
  let unit = 0;
  for (; bytes >= 999.5 && unit < UNITS.length - 1; unit++) bytes /= 1024;
  const digits = unit > 0 && bytes < 9.95 ? 1 : 0;
  return `${bytes.toFixed(digits)} ${unit === 0 && bytes === 1 ? "byte" : UNITS[unit]}`;
}

/** 75 is "1 min 15 s": the two largest units. */
export function formatSeconds(seconds) {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * A file's name as it is shown. Controls in it are written out: those of direction make "exe.jpg" of what ends with "gpj.exe",
 * and nobody sees the others.
 */
export const visible = (name) =>
  name.replace(
    /[\p{Bidi_Control}\p{Cc}]/gu,
    (control) => `<U+${control.codePointAt(0).toString(16).padStart(4, "0").toUpperCase()}>`,
  );

/** A part of a whole, in per cent; the whole of nothing is 100. */
export const percent = (part, whole) => (whole === 0 ? 100 : Math.floor((100 * part) / whole));

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** How fast a number of bytes grew in the last few seconds. */
export class Rate {
  #samples = [];

  /** `count` is what it is now; it starts anew when that is less than before. */
  add(count, now = performance.now()) {
    if (count < (this.#samples.at(-1)?.count ?? 0)) this.#samples = [];
    this.#samples.push({ count, now });
    while (now - this.#samples[0].now > 5000 && this.#samples.length > 2) this.#samples.shift();
  }

  /** A pause is over: what was before it says nothing of the rate after it. */
  reset() {
    this.#samples = [];
  }

  /** Per second; 0 while too little is known. */
  get perSecond() {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const time = first ? last.now - first.now : 0;
    return time < 200 ? 0 : (1000 * (last.count - first.count)) / time;
  }

  /** The rate of bytes and the time that `missing` bytes will take, as texts; none while too little is known. */
  parts(missing) {
    const rate = this.perSecond;
    return rate > 0 ? [`${formatSize(rate)}/s`, `${formatSeconds(missing / rate)} left`] : [];
  }
}
