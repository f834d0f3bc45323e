// @ts-check
// The script of every simcap page: draws pictures from their descriptions, and makes them and the tables
// answer to pointer and keyboard. Plain ECMAScript, no dependencies.
"use strict";
(() => {
  /** @typedef {{label?:string,kind?:string,scale?:string,min?:number,max?:number,names?:string[]}} Axis */
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = data.charts;
  const NS = "http://www.w3.org/2000/svg";

  // ---- numbers for people: the same rules as package quantity --------------------------------------

  const secondUnits = [[1e-9, " ns", 0], [1e-6, " µs", 1e-6], [1e-3, " ms", 1e-3], [1, " s", 1], [60, " min", 120],
    [3600, " h", 7200], [86400, " d", 172800]];
  const bigUnits = [[1, ""], [1e6, " M"], [1e9, " G"], [1e12, " T"]];

  function big(v) {
    let at = bigUnits[0];
    for (const u of bigUnits.slice(1)) if (v >= 10 * u[0]) at = u;
    return at;
  }

  /** The unit in which a value of the kind is written. */
  function unit(kind, v) {
    v = Math.abs(v);
    if (kind === "s") {
      if (v === 0) return { size: 1, prefix: "", suffix: " s" };
      let at = secondUnits[0];
      for (const u of secondUnits) if (v >= u[2] * 0.9995) at = u;
      return { size: at[0], prefix: "", suffix: at[1] };
    }
    if (kind === "fraction") return { size: 0.01, prefix: "", suffix: "%" };
    const b = big(v);
    if (kind === "usd") return { size: b[0], prefix: "$", suffix: b[1].trim() };
    return { size: b[0], prefix: "", suffix: b[1] + (kind === "per_s" ? "/s" : "") };
  }

  function decimals(kind, v) {
    v = Math.abs(v);
    const whole = Math.abs(v - Math.round(v)) <= 1e-9 * v;
    if (v === 0) return 0;
    if (kind === "count" && (whole || v >= 100)) return 0;
    if (kind === "usd" && v >= 1000) return 0;
    if (kind === "usd" && v >= 0.995) return 2;
    if (whole && v < 1000) return 0;
    if (v >= 99.95) return 0;
    if (v >= 9.995) return 1;
    if (v >= 0.9995) return 2;
    return Math.min(12, 2 - Math.floor(Math.log10(v) + 1e-12));
  }

  function grouped(v, places) {
    let text = v.toFixed(places), sign = "";
    if (text[0] === "-") { text = text.slice(1); if (/[1-9]/.test(text)) sign = "-"; }
    const dot = text.indexOf(".");
    const whole = dot < 0 ? text : text.slice(0, dot);
    return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (dot < 0 ? "" : text.slice(dot));
  }

  /** A value in words: "1.24 s", "$2,214", "1.9%". */
  function format(kind, v) {
    if (v === null || v === undefined || !isFinite(v)) return "–";
    if (kind === "fraction" && v > 0 && v < 1e-5) return "<0.001%";
    const u = unit(kind, v);
    const text = grouped(v / u.size, decimals(kind, v / u.size));
    return text[0] === "-" ? "-" + u.prefix + text.slice(1) + u.suffix : u.prefix + text + u.suffix;
  }

  /** A value of an axis that reaches to most. */
  function tick(kind, v, most) {
    let u = unit(kind, most);
    if (kind !== "s" && kind !== "fraction" && most >= 10000) {
      for (const [size, suffix] of [[1e3, "k"], [1e6, "M"], [1e9, "G"], [1e12, "T"]])
        if (most >= size) u = { size, prefix: u.prefix, suffix: suffix + (kind === "per_s" ? "/s" : "") };
    }
    if (v === 0) return u.prefix + "0";
    const x = v / u.size;
    const text = Math.abs(x) < 0.001 ? String(Number(x.toPrecision(3))) : String(Number(x.toFixed(6)));
    return u.prefix + text + u.suffix;
  }

  const trimmed = (v, places) => String(Number(v.toFixed(places)));
  const two = (v) => (v < 10 ? "0" : "") + v;

  /** An instant of a run whose picture ends at the given one. */
  function clock(seconds, end) {
    if (end < 120) return trimmed(seconds, 3) + " s";
    if (end < 7200) return trimmed(seconds / 60, 2) + " min";
    const whole = Math.round(seconds);
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    if (end <= 49 * 3600) return two(hours) + ":" + two(minutes);
    const days = Math.floor(hours / 24);
    return hours % 24 === 0 && minutes === 0 ? days + " d" : days + " d " + two(hours % 24) + ":" + two(minutes);
  }

  /** An instant to the second, for tips. */
  function instant(seconds, end) {
    if (end < 7200) return clock(seconds, end);
    const s = Math.round(seconds) % 60;
    return clock(seconds - s, end) + (s ? ":" + two(s) : "");
  }

  function axisText(axis, v, end) {
    if (axis.names) return axis.names[Math.round(v)] || "";
    if (axis.scale === "time") return instant(v, end);
    if (axis.scale === "tail") return share(v);
    return format(axis.kind || "number", v);
  }

  /** A quantile with as many nines as it has. */
  function share(q) {
    const places = q >= 1 ? 0 : Math.max(0, Math.min(5, Math.ceil(-Math.log10(1 - q)) - 1));
    return trimmed(100 * q, places) + "%";
  }

  // ---- axes: the same rules as package chart ------------------------------------------------------

  function niceStep(v) {
    const power = Math.pow(10, Math.floor(Math.log10(v)));
    for (const s of [1, 2, 2.5, 5]) if (s * power >= v * (1 - 1e-9)) return s * power;
    return 10 * power;
  }

  const timeSteps = [1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
    1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000];

  function ticks(/** @type {Axis} */ axis, low, high, want) {
    if (!(high > low)) return [];
    if (axis.names) return axis.names.map((label, at) => ({ at, label })).filter((t) => t.at >= low && t.at <= high);
    const out = [];
    const every = (step, label) => {
      for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++)
        out.push({ at: n * step + 0, label: label(n * step + 0) });
    };
    switch (axis.scale) {
    case "log": return logTicks(axis, low, high, want);
    case "time": {
      let step = timeSteps[timeSteps.length - 1];
      for (let i = timeSteps.length - 1; i >= 0 && (high - low) / timeSteps[i] <= want; i--) step = timeSteps[i];
      while ((high - low) / step > 2 * want) step *= 2;
      every(step, (v) => clock(v, high));
      return out;
    }
    case "tail":
      if (low <= 0) out.push({ at: 0, label: "min" });
      for (const q of [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999])
        if (q >= low && q <= high * (1 + 1e-12)) out.push({ at: q, label: "p" + trimmed(100 * q, 6) });
      return out;
    }
    const size = axis.kind === "s" ? unit("s", Math.max(Math.abs(low), Math.abs(high))).size : 1;
    let step = niceStep((high - low) / size / Math.max(want, 1)) * size;
    if (axis.kind === "count") step = Math.max(1, Math.floor(step));
    every(step, (v) => tick(axis.kind || "number", v, Math.max(Math.abs(low), Math.abs(high))));
    return out;
  }

  const longMarks = [60, 120, 300, 600, 1200, 3600, 7200, 18000, 36000, 86400, 172800, 432000, 864000, 1728000,
    4320000, 8640000, 17280000, 43200000, 86400000, 864000000, 8640000000, 86400000000, 864000000000];

  function longTicks(axis, low, high, want) {
    const at = [];
    for (let n = Math.floor(Math.log10(low)); n <= 1; n++)
      for (const s of [1, 2, 5]) {
        const v = s * Math.pow(10, n);
        if (v >= low * (1 - 1e-9) && v < 60) at.push(v);
      }
    for (const v of longMarks) if (v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9)) at.push(v);
    let every = 1;
    while (2 * at.length > 3 * Math.trunc(want) * every) every++;
    const out = at.filter((_, i) => i % every === 0).map((v) => ({ at: v, label: tick("s", v, v) }));
    return out.length < 2 ? ticks({ ...axis, scale: "linear" }, low, high, want) : out;
  }

  function logTicks(axis, low, high, want) {
    if (low <= 0) return [];
    if (axis.kind === "s" && high >= 120) return longTicks(axis, low, high, want);
    const decades = Math.log10(high / low);
    const steps = decades * 3 > want * 1.5 ? [1] : [1, 2, 5];
    let skip = 1;
    while (decades / skip > want * 1.5) skip++;
    const out = [];
    for (let n = Math.floor(Math.log10(low)); n <= Math.log10(high); n++) {
      if (n % skip !== 0) continue;
      for (const s of steps) {
        const v = s * Math.pow(10, n);
        if (v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9)) out.push({ at: v, label: tick(axis.kind || "number", v, v) });
      }
    }
    return out.length < 2 ? ticks({ ...axis, scale: "linear" }, low, high, want) : out;
  }

  const nines = (q) => -Math.log10(Math.max(1e-9, 1 - q));

  /** Where a value lies between low (0) and high (1). */
  function place(scale, v, low, high) {
    if (scale === "log") return v <= 0 || low <= 0 ? -1e3 : Math.log(v / low) / Math.log(high / low);
    if (scale === "tail") return (nines(v) - nines(low)) / (nines(high) - nines(low));
    return (v - low) / (high - low);
  }

  /** The value at a place: the inverse of place. */
  function valueAt(scale, p, low, high) {
    if (scale === "log") return low * Math.pow(high / low, p);
    if (scale === "tail") return 1 - Math.pow(10, -(nines(low) + p * (nines(high) - nines(low))));
    return low + p * (high - low);
  }

  function span() {
    return { low: Infinity, high: -Infinity, add(v) {
      if (v !== null && v !== undefined && isFinite(v)) { this.low = Math.min(this.low, v); this.high = Math.max(this.high, v); }
    } };
  }

  function bounds(axis, s, padded) {
    if (axis.names) return [-0.5, axis.names.length - 0.5];
    let { low, high } = s;
    if (!(high >= low)) { low = axis.scale === "log" ? 0.1 : 0; high = 1; }
    if (axis.scale === "log") {
      high = Math.max(high, 1e-12);
      low = Math.max(low, high * 1e-9);
      if (high < low * 1.05) { low /= 2; high *= 2; }
      else if (padded) { const r = Math.pow(high / low, 0.06); low /= r; high *= r; }
    } else if (!axis.scale || axis.scale === "linear") {
      if (low > 0 && (!padded || low < 0.7 * high)) low = 0;
      const room = (high - low) * 0.06;
      if (padded && low !== 0) { low -= room; if (low < 0 && low + room >= 0) low = 0; }
      high += room;
    }
    if (high <= low) high = low + 1;
    if (axis.min !== undefined) low = axis.min;
    if (axis.max !== undefined) high = axis.max;
    if (high <= low) high = low + 1;
    return [low, high];
  }

  // ---- descriptions -------------------------------------------------------------------------------

  const xOf = (s, i) => (s.x ? s.x[i] : (s.start || 0) + i * (s.width || 0));
  const midOf = (s, i) => (s.x ? s.x[i] : xOf(s, i) + (s.width || 0) / 2);
  const lengthOf = (s) => (s.x ? Math.min(s.x.length, s.y.length) : s.y.length);

  /** Tops of the stacked areas that are shown. */
  function stack(series) {
    let sum = [];
    return series.map((s) => {
      if (s.mark !== "area") return null;
      const top = sum.slice();
      for (let i = 0; i < lengthOf(s); i++) top[i] = (top[i] || 0) + (s.y[i] || 0);
      sum = top;
      return top;
    });
  }

  /** The range that a picture shows; along x that of the zoom, if any, and along y that of what x shows. */
  function extent(xy, series, tops, zoom) {
    const x = span(), y = span();
    series.forEach((s, k) => {
      for (let i = 0; i < lengthOf(s); i++) {
        const at = xOf(s, i), end = s.x ? at : at + (s.width || 0);
        x.add(at);
        x.add(end);
        if (zoom && (end < zoom[0] || at > zoom[1])) continue;
        y.add(tops[k] ? tops[k][i] : s.y[i]);
        if (s.low) y.add(s.low[i]);
      }
    });
    const points = xy.points || [];
    for (const p of points) {
      [p.x, p.x_low, p.x_high].forEach((v) => x.add(v));
      [p.y, p.y_low, p.y_high].forEach((v) => y.add(v));
    }
    for (const r of xy.rules || []) {
      const of = r.vertical ? x : y;
      if (of.high >= of.low && r.at <= of.high * 2 && r.at >= of.low / 2) of.add(r.at);
    }
    const [xl, xh] = zoom || bounds(xy.x, x, points.length > 0);
    const [yl, yh] = bounds(xy.y, y, points.length > 0);
    return { xl, xh, yl, yh };
  }

  // ---- drawing ------------------------------------------------------------------------------------

  function el(name, attributes, text) {
    const e = document.createElementNS(NS, name);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    if (text !== undefined) e.textContent = text;
    return e;
  }

  function html(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    e.append(...children);
    return e;
  }

  const ruler = document.createElement("canvas").getContext("2d");
  let family = "";

  /** How wide a text is in pixels. */
  function wide(text, bold) {
    if (!family) family = getComputedStyle(document.body).fontFamily;
    ruler.font = (bold ? "700 " : "") + "12px " + family;
    return ruler.measureText(text).width;
  }

  function fit(text, most) {
    const runes = [...text];
    for (let n = runes.length; n > 1 && wide(text) > most;) {
      n--;
      text = runes.slice(0, (n + 1) >> 1).join("") + "…" + runes.slice(runes.length - (n >> 1)).join("");
    }
    return text;
  }

  const round = (v) => Math.round(v * 10) / 10;
  const roleClass = (role) => "r-" + (role || "muted");
  const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

  /** A frame maps values to places of a plot. */
  function frame(left, top, width, height, e, xScale, yScale) {
    return {
      left, top, width, height, right: left + width, bottom: top + height, e, xScale, yScale,
      x: (v) => left + width * place(xScale, v, e.xl, e.xh),
      y: (v) => top + height * (1 - place(yScale, v, e.yl, e.yh)),
      valueX: (px) => valueAt(xScale, (px - left) / width, e.xl, e.xh),
      valueY: (py) => valueAt(yScale, 1 - (py - top) / height, e.yl, e.yh),
    };
  }

  function drawYAxis(svg, f, axis) {
    let last = -Infinity;
    for (const t of ticks(axis, f.e.yl, f.e.yh, clamp(f.height / 34, 3, 6)).reverse()) {
      const y = round(f.y(t.at));
      svg.append(el("line", { class: "grid", x1: f.left, x2: f.right, y1: y, y2: y }));
      if (y - last < 15) continue;
      svg.append(el("text", { x: f.left - 6, y: y + 4, "text-anchor": "end" }, fit(t.label, f.left - 8)));
      last = y;
    }
  }

  function drawXAxis(svg, f, axis) {
    let end = -Infinity;
    const most = svgWidth(svg);
    for (const t of ticks(axis, f.e.xl, f.e.xh, clamp(f.width / 85, 2, 10))) {
      const x = round(f.x(t.at));
      if (axis.scale !== "time") svg.append(el("line", { class: "grid", x1: x, x2: x, y1: f.top, y2: f.bottom }));
      svg.append(el("line", { class: "axis", x1: x, x2: x, y1: f.bottom, y2: f.bottom + 4 }));
      const half = wide(t.label) / 2;
      const at = clamp(x, half + 1, most - half - 1);
      if (at - half > end + 6) {
        svg.append(el("text", { x: at, y: f.bottom + 17, "text-anchor": "middle" }, t.label));
        end = at + half;
      }
    }
    svg.append(el("line", { class: "axis", x1: f.left, x2: f.right, y1: f.bottom, y2: f.bottom }));
    if (axis.label) svg.append(el("text", { x: f.left + f.width / 2, y: f.bottom + 35, "text-anchor": "middle" },
      fit(axis.label, f.width)));
  }

  const svgWidth = (svg) => Number(svg.getAttribute("data-width"));
  const axisRoom = (axis) => (axis.label ? 42 : 24);

  function newSVG(view, width, height, role) {
    const svg = el("svg", { viewBox: `0 0 ${width} ${height}`, height, "data-width": width, role: role || "img" });
    svg.setAttribute("aria-label", label(view));
    view.plot.replaceChildren(svg);
    view.svg = svg;
    return svg;
  }

  /** What a screen reader says of a picture. */
  function label(view) {
    const c = view.chart;
    return [c.title, c.subtitle, c.caption].filter(Boolean).join(". ");
  }

  function runs(f, s, values, stepped) {
    const out = [];
    let run = [];
    for (let i = 0; i < Math.min(lengthOf(s), values.length); i++) {
      const v = values[i];
      if (v === null || v === undefined) { if (run.length) out.push(run); run = []; continue; }
      const y = clamp(f.y(v), f.top - 2, f.bottom + 2);
      if (!s.x && stepped) {
        run.push([f.x(xOf(s, i)), y], [f.x(xOf(s, i) + s.width), y]);
      } else {
        const x = f.x(stepped ? xOf(s, i) : midOf(s, i));
        if (stepped && run.length) run.push([x, run[run.length - 1][1]]);
        run.push([x, y]);
      }
    }
    if (run.length) out.push(run);
    return out;
  }

  const pathOf = (run) => "M" + run.map((p) => round(p[0]) + "," + round(p[1])).join("L");

  function drawSeries(svg, f, series, tops) {
    const base = clamp(f.y(Math.max(0, f.e.yl)), f.top, f.bottom);
    for (let k = series.length - 1; k >= 0; k--) {
      if (!tops[k]) continue;
      for (const run of runs(f, series[k], tops[k], true)) {
        const closed = [[run[0][0], base], ...run, [run[run.length - 1][0], base]];
        svg.append(el("path", { class: "fill " + roleClass(series[k].role), d: pathOf(closed) + "Z" }));
      }
    }
    for (const s of series) {
      const role = " " + roleClass(s.role);
      if (s.mark === "band") {
        for (const d of bands(f, s)) svg.append(el("path", { class: (s.faint ? "faint" : "band") + role, d }));
      } else if (s.mark === "column") {
        for (let i = 0; i < lengthOf(s); i++) {
          if (s.y[i] === null) continue;
          const x0 = f.x(xOf(s, i) - 0.42), x1 = f.x(xOf(s, i) + 0.42), y = f.y(s.y[i]);
          svg.append(el("rect", { class: "fill" + role, x: round(x0), width: Math.max(1, round(x1 - x0)), y: round(y),
            height: Math.max(0, round(base - y)) }));
        }
      }
    }
    for (const s of series) {
      const role = " " + roleClass(s.role);
      if (s.mark === "line" || s.mark === "step") {
        const kind = "line" + (s.thin ? " thin" : "") + (s.dashed ? " dashed" : "") + role;
        for (const run of runs(f, s, s.y, s.mark === "step"))
          svg.append(run.length === 1 ? el("circle", { class: "fill" + role, cx: run[0][0], cy: run[0][1], r: 1.6 })
            : el("path", { class: kind, d: pathOf(run) }));
      } else if (s.mark === "dots") {
        for (let i = 0; i < lengthOf(s); i++)
          if (s.y[i] !== null) svg.append(el("circle", { class: "dot" + role, cx: round(f.x(midOf(s, i))), cy: round(f.y(s.y[i])), r: 3.5 }));
      }
    }
  }

  function bands(f, s) {
    const out = [];
    let upper = [], lower = [];
    const flush = () => {
      if (upper.length) out.push(pathOf(upper.concat(lower.reverse())) + "Z");
      upper = []; lower = [];
    };
    for (let i = 0; i < Math.min(lengthOf(s), (s.low || []).length); i++) {
      if (s.y[i] === null || s.low[i] === null) { flush(); continue; }
      const x = f.x(midOf(s, i));
      upper.push([x, clamp(f.y(s.y[i]), f.top - 2, f.bottom)]);
      lower.push([x, clamp(f.y(s.low[i]), f.top - 2, f.bottom)]);
    }
    flush();
    return out;
  }

  function drawRegions(svg, f, regions, points, taken) {
    const dots = (points || []).map((p) => ({ x: f.x(p.x) - 6, y: f.y(p.y) - 6, w: 12, h: 12 }));
    for (const r of regions || []) {
      const x0 = clamp(r.x_from === undefined ? f.left : f.x(r.x_from), f.left, f.right);
      const x1 = clamp(r.x_to === undefined ? f.right : f.x(r.x_to), f.left, f.right);
      const y0 = clamp(r.y_to === undefined ? f.top : f.y(r.y_to), f.top, f.bottom);
      const y1 = clamp(r.y_from === undefined ? f.bottom : f.y(r.y_from), f.top, f.bottom);
      if (x1 <= x0 || y1 <= y0) continue;
      svg.append(el("rect", { class: "region " + roleClass(r.role), x: x0, y: y0, width: x1 - x0, height: y1 - y0 }));
      const w = r.label ? wide(r.label, true) : 0;
      if (r.label && w + 12 < x1 - x0 && y1 - y0 > 18) {
        const corners = [[x1 - 6 - w, y1 - 18], [x1 - 6 - w, y0 + 4], [x0 + 6, y0 + 4], [x0 + 6, y1 - 18]].map(([x, y]) => ({ x, y, w, h: 14 }));
        const b = corners.find((c) => !dots.some((o) => overlaps(c, o))) || corners[0];
        svg.append(el("text", { class: "role " + roleClass(r.role), x: b.x, y: b.y + 11 }, r.label));
        taken.push(b);
      }
    }
  }

  const overlaps = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

  function drawLabel(svg, b, text, className) {
    svg.append(el("rect", { class: "veil", x: b.x - 3, y: b.y - 1, width: b.w + 6, height: b.h + 2 }));
    svg.append(el("text", { class: className, x: b.x, y: b.y + 11 }, text));
  }

  /** Draws limits with their names beside their lines, where nothing else is; one that finds no place is left out. */
  function drawRules(svg, f, rules, taken) {
    const shown = [];
    for (const r of rules || []) {
      const at = r.vertical ? f.x(r.at) : f.y(r.at);
      const line = r.vertical ? { x: at - 1, y: f.top, w: 2, h: f.height } : { x: f.left, y: at - 1, w: f.width, h: 2 };
      if (line.x < f.left - 2 || line.x > f.right || line.y < f.top - 2 || line.y > f.bottom) continue;
      svg.append(el("line", { class: "rule " + roleClass(r.role), x1: r.vertical ? at : f.left, x2: r.vertical ? at : f.right,
        y1: r.vertical ? f.top : at, y2: r.vertical ? f.bottom : at }));
      shown.push([r, line]);
    }
    const lines = shown.map(([, line]) => line);
    taken.push(...lines);
    const own = [];
    for (const [r, line] of shown) {
      const name = fit(r.label || "", f.width - 12), w = wide(name, true), places = [];
      for (let row = 0; row < 6; row++) {
        const end = f.right - w - 4 - row * (w + 12);
        if (r.vertical) places.push({ x: line.x + 7, y: f.top + row * 18 }, { x: line.x - 5 - w, y: f.top + row * 18 });
        else places.push({ x: end, y: line.y - 16 }, { x: end, y: line.y + 5 });
      }
      const b = places.map((p) => ({ ...p, w, h: 14 })).find((p) => p.x >= f.left && p.x + w <= f.right && p.y >= f.top - 2 &&
        p.y + 14 <= f.bottom + 1 && !taken.some((o) => overlaps({ x: p.x + 1, y: p.y + 1, w: w - 2, h: 12 }, o)));
      if (!b) continue;
      taken.push(b);
      own.push([b, name, "role " + roleClass(r.role)]);
    }
    for (const [b, name, kind] of own) drawLabel(svg, b, name, kind);
  }

  function drawPoints(svg, f, xy, taken) {
    const points = xy.points || [];
    const spots = points.map((p) => ({ px: f.x(p.x), py: f.y(p.y) }));
    const order = points.map((_, i) => i).sort((a, b) => weight(points[a]) - weight(points[b]));
    for (const i of order) {
      const p = points[i], s = spots[i], role = roleClass(p.role);
      if (p.x_low !== undefined && p.x_high !== undefined)
        svg.append(el("line", { class: "whisker " + role, x1: f.x(p.x_low), x2: f.x(p.x_high), y1: s.py, y2: s.py }));
      if (p.y_low !== undefined && p.y_high !== undefined)
        svg.append(el("line", { class: "whisker " + role, x1: s.px, x2: s.px, y1: f.y(p.y_low), y2: f.y(p.y_high) }));
      svg.append(el("circle", { class: "dot " + role, cx: round(s.px), cy: round(s.py), r: p.bold ? 7 : p.label ? 5 : 4 }));
    }
    drawPointLabels(svg, f, xy, spots, taken);
    return spots;
  }

  const weight = (p) => (p.bold ? 2 : p.label ? 1 : 0);

  function drawPointLabels(svg, f, xy, spots, taken) {
    spots.forEach((s, i) => {
      const p = xy.points[i];
      taken.push({ x: s.px - 6, y: s.py - 6, w: 12, h: 12 });
      if (p.x_low !== undefined && p.x_high !== undefined) taken.push({ x: f.x(p.x_low), y: s.py - 1, w: f.x(p.x_high) - f.x(p.x_low), h: 2 });
      if (p.y_low !== undefined && p.y_high !== undefined) taken.push({ x: s.px - 1, y: f.y(p.y_high), w: 2, h: f.y(p.y_low) - f.y(p.y_high) });
    });
    for (const s of xy.series || []) {
      if (s.mark !== "step" && s.mark !== "line") continue;
      for (const run of runs(f, s, s.y, s.mark === "step"))
        for (let i = 1; i < run.length; i++) {
          const [a, b] = [run[i - 1], run[i]];
          taken.push({ x: Math.min(a[0], b[0]) - 1, y: Math.min(a[1], b[1]) - 1, w: Math.abs(a[0] - b[0]) + 2,
            h: Math.abs(a[1] - b[1]) + 2 });
        }
    }
    const named = [];
    for (const bold of [true, false])
      (xy.points || []).forEach((p, i) => {
        if (!p.label || Boolean(p.bold) !== bold) return;
        const b = spot(spots[i], wide(p.label, bold), 14, f, taken);
        if (!b) return;
        taken.push(b);
        named.push([b, p.label, bold ? "ink b" : "ink"]);
        if (Math.abs(b.y + b.h / 2 - spots[i].py) > 22)
          svg.append(el("line", { class: "leader", x1: spots[i].px, y1: spots[i].py, x2: clamp(spots[i].px, b.x, b.x + b.w),
            y2: clamp(spots[i].py, b.y, b.y + b.h) }));
      });
    for (const [b, text, kind] of named) drawLabel(svg, b, text, kind);
  }

  /** A free place for a label near a dot, or null. */
  function spot(from, w, h, f, taken) {
    for (let radius = 11; radius < 80; radius += 9)
      for (let k = 0; k < 16; k++) {
        const angle = -Math.PI / 5 + k * Math.PI / 8, cos = Math.cos(angle);
        const x = from.px + radius * cos, y = from.py + radius * Math.sin(angle);
        const b = { x: cos < -0.3 ? x - w : cos < 0.3 ? x - w / 2 : x, y: y - h / 2, w, h };
        if (b.x < f.left || b.y < f.top || b.x + w > f.right || b.y + h > f.bottom) continue;
        const room = { x: b.x - 3, y: b.y - 3, w: w + 6, h: h + 6 };
        if (!taken.some((o) => overlaps(room, o))) return b;
      }
    return null;
  }

  // ---- pictures -----------------------------------------------------------------------------------

  const zooms = {};   // by link: [low, high]
  const views = [];   // every picture that is drawn

  function drawXY(view, width) {
    const c = view.chart, xy = c.xy;
    const shown = (xy.series || []).filter((s) => !view.hidden.has(s.name));
    const tops = stack(shown);
    const e = extent(xy, shown, tops, zooms[view.link]);
    const height = view.small ? 150 : c.height || 220;
    const labels = ticks(xy.y, e.yl, e.yh, 6).map((t) => wide(t.label));
    const left = Math.min(Math.ceil(Math.max(22, ...labels)) + 10, Math.max(60, width * 0.42)), right = 14;
    const head = xy.y.label ? 22 : 8;
    const svg = newSVG(view, width, head + height + axisRoom(xy.x), xy.points || xy.series ? "application" : "img");
    const f = frame(left, head, Math.max(40, width - left - right), height, e, xy.x.scale || "linear", xy.y.scale || "linear");
    view.frame = f;
    view.shown = shown;
    if (xy.y.label) svg.append(el("text", { x: 0, y: 12 }, fit(xy.y.label, width)));
    const taken = [];
    drawRegions(svg, f, xy.regions, xy.points, taken);
    drawYAxis(svg, f, xy.y);
    drawXAxis(svg, f, xy.x);
    const clip = el("svg", { x: f.left, y: 0, width: f.width, height: f.bottom + 1, viewBox: `${f.left} 0 ${f.width} ${f.bottom + 1}` });
    svg.append(clip);
    drawSeries(clip, f, shown, tops);
    drawRules(svg, f, xy.rules, taken);
    view.spots = drawPoints(svg, f, xy, taken);
    view.extra = svg.appendChild(el("g", {}));
    listen(view);
  }

  function drawBars(view, width) {
    const b = view.chart.bars, rows = b.rows || [];
    const parts = (b.parts || []).map((p, i) => ({ ...p, i })).filter((p) => !view.hidden.has(p.name));
    const stacked = width < 460;
    const sums = rows.map((r) => parts.reduce((n, p) => n + (r.values[p.i] || 0), 0));
    const most = b.share ? 1 : Math.max(1e-12, ...sums);
    const noteWidth = Math.max(0, ...rows.map((r) => wide(r.note || "", true)));
    const left = stacked ? 0 : Math.min(200, Math.max(0, ...rows.map((r) => wide(r.label)))) + 10;
    const right = stacked ? 8 : noteWidth + 14;
    const pitch = stacked ? 50 : 36, bar = 24;
    const height = rows.length * pitch + 6;
    const svg = newSVG(view, width, height + 26);
    const f = frame(left, 0, Math.max(40, width - left - right), height, { xl: 0, xh: most, yl: 0, yh: 1 }, "linear", "linear");
    const axis = { ...(b.axis || {}), label: "" };
    if (b.share) axis.kind = "fraction";
    drawXAxis(svg, f, axis);
    rows.forEach((r, i) => {
      const y = i * pitch + (stacked ? 18 : 0) + (pitch - (stacked ? 18 : 0) - bar) / 2;
      if (stacked) {
        svg.append(el("text", { class: "ink", x: 0, y: i * pitch + 15 }, fit(r.label, width - noteWidth - 12)));
        svg.append(el("text", { class: "ink b", x: width, y: i * pitch + 15, "text-anchor": "end" }, r.note || ""));
      } else {
        svg.append(el("text", { class: "ink", x: left - 10, y: y + 16, "text-anchor": "end" }, fit(r.label, 200)));
      }
      let from = 0;
      const scale = b.share && sums[i] > 0 ? 1 / sums[i] : 1;
      for (const p of parts) {
        const v = r.values[p.i] || 0;
        if (v <= 0) continue;
        const x0 = f.x(from), x1 = f.x(from + v * scale);
        from += v * scale;
        const piece = el("rect", { class: "fill " + roleClass(p.role), x: round(x0), y, width: Math.max(0.5, round(x1 - x0 - 0.8)), height: bar });
        const text = b.share ? Math.round(100 * v / sums[i]) + "%" : format(b.axis.kind, v);
        svg.append(piece);
        piece.addEventListener("pointermove", (ev) => tipAt(view, ev, r.label, [[p.name, (b.share ? text + " · " : "") +
          format(b.axis.kind || "number", v), p.role]]));
        piece.addEventListener("pointerleave", () => hideTip(view));
        if (wide(text) + 8 < x1 - x0) {
          const t = el("text", { x: round((x0 + x1) / 2), y: y + 16, "text-anchor": "middle" }, text);
          svg.append(t);
          t.style.fill = inkOn(getComputedStyle(piece).fill);
          t.style.pointerEvents = "none";
        }
      }
      if (!stacked) svg.append(el("text", { class: "ink b", x: f.x(from) + 8, y: y + 16 }, r.note || ""));
    });
  }

  function rgbOf(color) {
    if (color[0] === "#") return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
    return (color.match(/[\d.]+/g) || [0, 0, 0]).slice(0, 3).map(Number);
  }

  /** Black or white, whichever reads better on a colour. */
  function inkOn(color) {
    const part = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
    const [r, g, b] = rgbOf(color);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b) > 0.179 ? "#000" : "#fff";
  }

  function heatColor(v) {
    const anchors = data.heat.map(rgbOf);
    v = clamp(v, 0, 1) * (anchors.length - 1);
    const i = Math.min(Math.floor(v), anchors.length - 2);
    return "rgb(" + anchors[i].map((a, k) => Math.round(a + (anchors[i + 1][k] - a) * (v - i))).join(",") + ")";
  }

  function drawHeat(view, width) {
    const h = view.chart.heat, rows = h.rows.length, columns = h.columns.length;
    const all = h.values.flat().filter((v) => v !== null && (!h.log || v > 0));
    const low = Math.min(...all), high = Math.max(...all);
    const left = Math.min(width * 0.3, Math.max(20, ...h.rows.map((r) => wide(r)))) + 10;
    const cw = (width - left - 2) / columns, ch = clamp(320 / rows, 22, 46);
    const svg = newSVG(view, width, 22 + rows * ch + 44, "application");
    svg.append(el("text", { x: 0, y: 12 }, fit(h.y_label, width)));
    const meets = (x, y) => Boolean(h.meets && h.meets[y] && h.meets[y][x]);
    const borders = el("g", {});
    view.cells = [];
    h.rows.forEach((name, y) => {
      const top = 22 + (rows - 1 - y) * ch;
      svg.append(el("text", { x: left - 8, y: top + ch / 2 + 4, "text-anchor": "end" }, fit(name, left - 10)));
      h.columns.forEach((_, x) => {
        const v = h.values[y][x], at = left + x * cw;
        const fill = v === null ? "none" : heatColor(high > low ? place(h.log ? "log" : "linear", v, low, high) : 0.5);
        const cell = el("rect", { x: round(at + 0.7), y: round(top + 0.7), width: Math.max(1, round(cw - 1.4)), height: round(ch - 1.4) });
        cell.style.fill = fill;
        svg.append(cell);
        const text = format(h.kind, v);
        if (v !== null && wide(text, meets(x, y)) + 6 < cw) {
          const t = el("text", { class: meets(x, y) ? "b" : "", x: round(at + cw / 2), y: top + ch / 2 + 4, "text-anchor": "middle" }, text);
          t.style.fill = inkOn(fill);
          t.style.pointerEvents = "none";
          svg.append(t);
        }
        const edge = (a, b, c, d) => borders.append(el("line", { class: "border", x1: a, y1: b, x2: c, y2: d }));
        if (meets(x, y)) {
          if (x > 0 && !meets(x - 1, y)) edge(at, top, at, top + ch);
          if (x + 1 < columns && !meets(x + 1, y)) edge(at + cw, top, at + cw, top + ch);
          if (y > 0 && !meets(x, y - 1)) edge(at, top + ch, at + cw, top + ch);
          if (y + 1 < rows && !meets(x, y + 1)) edge(at, top, at + cw, top);
        }
        view.cells.push({ x, y, px: at + cw / 2, py: top + ch / 2, box: [at, top, cw, ch], cell,
          copy: h.copies && h.copies[y] ? h.copies[y][x] : "",
          info: [[h.x_label, h.columns[x]], [h.y_label, name], ["value", text]].concat(h.meets ? [["SLO", meets(x, y) ? "kept" : "missed"]] : []) });
      });
    });
    svg.append(borders);
    let end = -Infinity;
    h.columns.forEach((name, x) => {
      const half = wide(name) / 2, at = clamp(left + (x + 0.5) * cw, half, width - half);
      if (at - half < end + 4) return;
      svg.append(el("text", { x: at, y: 22 + rows * ch + 17, "text-anchor": "middle" }, name));
      end = at + half;
    });
    svg.append(el("text", { x: left + (width - left) / 2, y: 22 + rows * ch + 36, "text-anchor": "middle" }, fit(h.x_label, width - left)));
    view.extra = svg.appendChild(el("g", {}));
    view.spots = view.cells;
    pickable(view, view.cells.map((c) => ({ info: c.info, copy: c.copy, label: "" })));
  }

  function drawLanes(view, width) {
    const l = view.chart.lanes, rows = l.rows || [];
    const height = view.chart.height || 260, pitch = Math.max(height / Math.max(rows.length, 1), 2.5);
    const full = rows.length * Math.min(pitch, 18);
    const high = Math.max(l.x.max || 0, ...rows.flatMap((r) => r.spans.map((s) => s.to)));
    const zoom = zooms[view.link] || [l.x.min || 0, high > (l.x.min || 0) ? high : (l.x.min || 0) + 1];
    const left = Math.min(110, Math.max(14, ...rows.map((r) => wide(r.label)))) + 10, head = l.label ? 22 : 6;
    const svg = newSVG(view, width, head + full + axisRoom(l.x), "application");
    if (l.label) svg.append(el("text", { x: 0, y: 12 }, fit(l.label, width)));
    const f = frame(left, head, Math.max(40, width - left - 14), full, { xl: zoom[0], xh: zoom[1], yl: 0, yh: 1 }, "time", "linear");
    view.frame = f;
    drawXAxis(svg, f, l.x);
    const step = full / Math.max(rows.length, 1), every = Math.max(1, Math.ceil(14 / step));
    rows.forEach((r, i) => {
      const y = f.top + i * step;
      if (i % every === 0 && y + step / 2 + 10 < f.bottom + 6)
        svg.append(el("text", { x: left - 8, y: y + step / 2 + 4, "text-anchor": "end" }, fit(r.label, 110)));
      for (const s of r.spans) {
        if (view.hidden.has((l.parts.find((p) => p.role === s.role) || {}).name)) continue;
        const x0 = clamp(f.x(s.from), f.left, f.right), x1 = clamp(f.x(s.to), f.left, f.right);
        if (s.to < zoom[0] || s.from > zoom[1]) continue;
        const high = Math.max(0.6, step * 0.84 * (s.high || 1));
        svg.append(el("rect", { class: "fill " + roleClass(s.role), x: round(x0), y: round(y + step * 0.92 - high),
          width: Math.max(0.8, round(x1 - x0 - 0.6)), height: round(high) }));
      }
    });
    view.extra = svg.appendChild(el("g", {}));
    view.lane = (py) => rows[Math.floor((py - f.top) / step)];
    listen(view);
  }

  function drawGrid(view, width) {
    const g = view.chart.grid;
    const columns = clamp(Math.floor(width / 230), 1, g.columns || 3);
    const box = html("div", { class: "multiples" });
    box.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    view.plot.replaceChildren(box);
    const each = (width - 14 * (columns - 1)) / columns;
    g.charts.forEach((c) => {
      const plot = html("div", { class: "plot" });
      box.append(html("div", {}, html("h4", {}, c.title), plot));
      const small = { chart: c, plot, hidden: view.hidden, link: c.xy && c.xy.link, small: true, figure: view.figure };
      draw(small, each);
    });
  }

  function draw(view, width) {
    const c = view.chart;
    if (c.xy) drawXY(view, width);
    else if (c.bars) drawBars(view, width);
    else if (c.heat) drawHeat(view, width);
    else if (c.lanes) drawLanes(view, width);
    else if (c.grid) drawGrid(view, width);
  }

  // ---- tips, cursor, brush, keyboard ---------------------------------------------------------------

  const say = (text) => { document.getElementById("say").textContent = text; };

  function tip(view) {
    if (!view.tip || !view.tip.isConnected) {
      view.tip = html("div", { class: "tip", "aria-hidden": "true" });
      view.tip.hidden = true;
      view.plot.append(view.tip);
    }
    return view.tip;
  }

  function hideTip(view) { if (view.tip) view.tip.hidden = true; }

  /** Shows a heading and rows of [name, value, role] beside a place of the picture. */
  function showTip(view, px, head, rows, foot) {
    const t = tip(view);
    const body = html("table", {});
    for (const [name, value, role] of rows) {
      const first = html("td", {});
      if (role) first.append(html("i", { class: roleClass(role) }));
      first.append(name);
      body.append(html("tr", {}, first, html("td", {}, value)));
    }
    t.replaceChildren(html("b", {}, head), body, ...(foot ? [foot] : []));
    t.hidden = false;
    const scale = view.plot.clientWidth / svgWidth(view.svg);
    const x = px * scale, w = t.offsetWidth;
    t.style.left = clamp(x + 14 + w > view.plot.clientWidth ? x - 14 - w : x + 14, 0, Math.max(0, view.plot.clientWidth - w)) + "px";
  }

  function tipAt(view, ev, head, rows) { showTip(view, where(view, ev)[0], head, rows); }

  /** The place of a pointer in the picture's own pixels. */
  function where(view, ev) {
    const r = view.svg.getBoundingClientRect();
    return [(ev.clientX - r.left) * svgWidth(view.svg) / r.width, (ev.clientY - r.top) * svgWidth(view.svg) / r.width];
  }

  /** Values of a picture's series at an x: [name, text, role]. */
  function readings(view, v) {
    const xy = view.chart.xy, f = view.frame, out = [];
    for (const s of view.shown) {
      let y = null;
      if (!s.x) {
        y = s.y[Math.floor((v - (s.start || 0)) / s.width)];
      } else if (s.mark === "line") {
        y = interpolate(s, v);
      } else {
        const i = nearest(s, v);
        y = i < 0 ? null : s.y[i];
      }
      if (y === undefined) y = null;
      out.push([s.name, y === null ? "–" : axisText(xy.y, y, f.e.yh), s.role]);
    }
    return out.reverse();
  }

  function interpolate(s, v) {
    const n = lengthOf(s);
    if (n === 0 || v < s.x[0]) return null;
    for (let i = 1; i < n; i++)
      if (v <= s.x[i]) {
        const w = s.x[i] === s.x[i - 1] ? 1 : (v - s.x[i - 1]) / (s.x[i] - s.x[i - 1]);
        return s.y[i - 1] + (s.y[i] - s.y[i - 1]) * w;
      }
    return s.y[n - 1];
  }

  function nearest(s, v) {
    let best = -1;
    for (let i = 0; i < lengthOf(s); i++) if (best < 0 || Math.abs(s.x[i] - v) < Math.abs(s.x[best] - v)) best = i;
    return best;
  }

  function listen(view) {
    const c = view.chart;
    if (c.xy && (c.xy.points || []).length) { pickable(view, c.xy.points); return; }
    const svg = view.svg, f = view.frame;
    svg.setAttribute("tabindex", "0");
    let from = null;
    const inside = (p) => p[0] >= f.left - 4 && p[0] <= f.right + 4;
    svg.addEventListener("pointerdown", (ev) => {
      const p = where(view, ev);
      if (ev.button !== 0 || !inside(p) || !view.link) return;
      from = clamp(p[0], f.left, f.right);
      svg.setPointerCapture(ev.pointerId);
    });
    svg.addEventListener("pointermove", (ev) => {
      const p = where(view, ev), x = clamp(p[0], f.left, f.right);
      if (from !== null) brush(view, from, x);
      else if (inside(p)) point(view, f.valueX(x), p[1]);
    });
    svg.addEventListener("pointerup", (ev) => {
      if (from === null) return;
      const x = clamp(where(view, ev)[0], f.left, f.right), start = from;
      from = null;
      if (Math.abs(x - start) < 6) { unbrush(view); return; }
      setZoom(view.link, [f.valueX(Math.min(start, x)), f.valueX(Math.max(start, x))]);
    });
    svg.addEventListener("pointercancel", () => { from = null; unbrush(view); });
    svg.addEventListener("pointerleave", () => { if (from === null) unpoint(view); });
    svg.addEventListener("dblclick", () => setZoom(view.link, null));
    svg.addEventListener("keydown", (ev) => key(view, ev));
    svg.addEventListener("blur", () => unpoint(view));
  }

  function key(view, ev) {
    const f = view.frame, e = f.e, wideness = e.xh - e.xl;
    const at = view.at === undefined ? f.valueX(f.left + f.width / 2) : view.at;
    const step = (n) => f.valueX(clamp(f.x(at) + n * Math.max(2, f.width / 120), f.left, f.right));
    const zoom = (factor) => {
      if (!view.link) return;
      const low = at - (at - e.xl) * factor;
      setZoom(view.link, [low, low + wideness * factor]);
    };
    const keys = {
      ArrowLeft: () => (ev.shiftKey && zooms[view.link] ? pan(view, -0.25) : speak(view, step(-1))),
      ArrowRight: () => (ev.shiftKey && zooms[view.link] ? pan(view, 0.25) : speak(view, step(1))),
      Home: () => speak(view, f.valueX(f.left)), End: () => speak(view, f.valueX(f.right)),
      "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), Escape: () => setZoom(view.link, null),
    };
    if (!keys[ev.key]) return;
    ev.preventDefault();
    keys[ev.key]();
  }

  function pan(view, share) {
    const [low, high] = zooms[view.link], by = (high - low) * share;
    setZoom(view.link, [low + by, high + by]);
  }

  function speak(view, v) {
    point(view, v, view.frame.top + 20);
    const c = view.chart, x = c.xy ? c.xy.x : c.lanes.x;
    say(axisText(x, v, view.frame.e.xh) + ": " + (c.xy ? readings(view, v).map((r) => r[0] + " " + r[1]).join(", ") : ""));
  }

  /** Shows the cursor at an x in this picture and in those linked with it, and this one's values. */
  function point(view, v, py) {
    view.at = v;
    for (const o of views) {
      if (o !== view && !(view.link && o.link === view.link)) continue;
      if (!o.extra || !o.frame) continue;
      const x = o.frame.x(v);
      o.extra.replaceChildren();
      if (x >= o.frame.left - 1 && x <= o.frame.right + 1)
        o.extra.append(el("line", { class: "cursor", x1: x, x2: x, y1: o.frame.top, y2: o.frame.bottom }));
    }
    const c = view.chart, f = view.frame;
    if (view.small && view.extra) {
      const x = f.x(v);
      view.extra.replaceChildren(el("line", { class: "cursor", x1: x, x2: x, y1: f.top, y2: f.bottom }));
    }
    if (c.xy) {
      showTip(view, f.x(v), axisText(c.xy.x, v, f.e.xh), readings(view, v));
    } else {
      const row = view.lane(py), near = (f.e.xh - f.e.xl) / f.width;
      const at = row && row.spans.find((s) => s.note && v >= s.from - near && v <= s.to + near);
      if (at) showTip(view, f.x(v), instant(v, f.e.xh), [], at.note); else hideTip(view);
    }
  }

  function unpoint(view) {
    hideTip(view);
    if (view.extra && view.small) view.extra.replaceChildren();
    for (const o of views) if (o.extra && (o === view || view.link && o.link === view.link)) o.extra.replaceChildren();
  }

  function brush(view, a, b) {
    hideTip(view);
    for (const o of views) {
      if (!o.extra || !o.frame || o.link !== view.link) continue;
      const x0 = clamp(o.frame.x(view.frame.valueX(Math.min(a, b))), o.frame.left, o.frame.right);
      const x1 = clamp(o.frame.x(view.frame.valueX(Math.max(a, b))), o.frame.left, o.frame.right);
      o.extra.replaceChildren(el("rect", { class: "brush", x: x0, y: o.frame.top, width: Math.max(0, x1 - x0), height: o.frame.height }));
    }
  }

  function unbrush(view) { for (const o of views) if (o.extra && o.link === view.link) o.extra.replaceChildren(); }

  /** The whole range of a link: that of its pictures' axes. */
  function whole(link) {
    let low = Infinity, high = -Infinity;
    for (const id in charts) {
      const c = charts[id], part = c.xy || c.lanes;
      if (!part || part.link !== link) continue;
      if (part.x.min !== undefined) low = Math.min(low, part.x.min);
      if (part.x.max !== undefined) high = Math.max(high, part.x.max);
    }
    return [low, high];
  }

  /** Zooms all pictures of a link; null shows everything. */
  function setZoom(link, range) {
    if (!link) return;
    const [low, high] = whole(link);
    if (range && isFinite(low) && isFinite(high)) {
      const least = (high - low) / 5000, size = clamp(range[1] - range[0], least, high - low);
      const start = clamp(range[0], low, high - size);
      range = size >= (high - low) * 0.999 ? null : [start, start + size];
    }
    if (range) zooms[link] = range; else delete zooms[link];
    const text = range ? instant(range[0], high) + " to " + instant(range[1], high) : "whole run";
    const shown = document.getElementById("range-text");
    if (shown) {
      shown.textContent = text;
      /** @type {HTMLButtonElement} */ (document.getElementById("range-reset")).disabled = !range;
    }
    say("Time range: " + text);
    for (const v of views) if (v.link === link) redraw(v, true);
  }

  /** Makes the dots or cells of a picture answer: hover and arrows show, click and Enter copy. */
  function pickable(view, points) {
    const svg = view.svg;
    svg.setAttribute("tabindex", "0");
    svg.style.touchAction = "auto";
    const order = points.map((_, i) => i).sort((a, b) => view.spots[a].px - view.spots[b].px || view.spots[b].py - view.spots[a].py);
    let current = -1;
    const show = (i, aloud) => {
      current = i;
      const s = view.spots[i], p = points[i], rows = (p.info || []).map(([k, v]) => [k, v]);
      view.extra.replaceChildren(s.box
        ? el("rect", { class: "picked", x: s.box[0], y: s.box[1], width: s.box[2], height: s.box[3] })
        : el("circle", { class: "picked", cx: s.px, cy: s.py, r: 9 }));
      showTip(view, s.px, p.label || "", rows, p.copy ? "Click or press Enter to copy the settings" : "");
      if (aloud) say([p.label, ...rows.map((r) => r.join(" "))].filter(Boolean).join(", "));
    };
    const clear = () => { current = -1; hideTip(view); view.extra.replaceChildren(); };
    const find = (ev) => {
      const [x, y] = where(view, ev);
      let best = -1, least = view.cells ? Infinity : 28;
      view.spots.forEach((s, i) => {
        const inBox = s.box && x >= s.box[0] && x < s.box[0] + s.box[2] && y >= s.box[1] && y < s.box[1] + s.box[3];
        const d = s.box ? (inBox ? 0 : Infinity) : Math.hypot(s.px - x, s.py - y);
        if (d < least) { best = i; least = d; }
      });
      return best;
    };
    svg.addEventListener("pointermove", (ev) => { const i = find(ev); if (i < 0) clear(); else if (i !== current) show(i, false); });
    svg.addEventListener("pointerleave", clear);
    svg.addEventListener("blur", clear);
    svg.addEventListener("click", (ev) => { const i = find(ev); if (i >= 0) { show(i, false); copy(points[i].copy); } });
    svg.addEventListener("keydown", (ev) => {
      const at = order.indexOf(current);
      const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 }[ev.key];
      if (next !== undefined) { ev.preventDefault(); show(order[clamp(next, 0, order.length - 1)], true); }
      else if (ev.key === "Enter" && current >= 0) copy(points[current].copy);
      else if (ev.key === "Escape") clear();
    });
  }

  function copy(text) {
    if (!text) return;
    const done = () => say("Copied: " + text.slice(0, 200));
    const old = () => {
      const area = html("textarea", {});
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      done();
    };
    if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text).then(done, old); else old();
  }

  // ---- the page -----------------------------------------------------------------------------------

  /** Draws a picture again where its width, its zoom or its series have changed. */
  function redraw(view, force) {
    const width = Math.floor(view.plot.clientWidth);
    if (width <= 0 || !force && width === view.width) return;
    const focused = view.svg && document.activeElement === view.svg;
    view.width = width;
    draw(view, width);
    if (focused && view.svg) view.svg.focus({ preventScroll: true });
  }

  function entries(c) {
    if (c.xy) return (c.xy.series || []).filter((s) => !s.thin).map((s) => ({ name: s.name, role: s.role, kind: s.mark === "band"
      ? (s.faint ? "faint" : "band") : s.mark === "line" || s.mark === "step" ? "line" : s.mark === "dots" ? "dot" : "" }));
    if (c.bars) return (c.bars.parts || []).map((p) => ({ name: p.name, role: p.role, kind: "" }));
    if (c.lanes) return (c.lanes.parts || []).map((p) => ({ name: p.name, role: p.role, kind: "" }));
    if (c.grid) {
      const seen = new Map();
      for (const small of c.grid.charts) for (const e of entries(small)) seen.set(e.name, e);
      return [...seen.values()];
    }
    return [];
  }

  function drawKey(view) {
    const all = entries(view.chart), seen = new Set();
    if (all.length < 2) return;
    for (const e of all) {
      if (seen.has(e.name)) continue;
      seen.add(e.name);
      const b = html("button", { type: "button", "aria-pressed": "true" }, html("i", { class: roleClass(e.role) + " " + e.kind }), e.name);
      b.addEventListener("click", () => {
        const hide = !view.hidden.has(e.name);
        if (hide) view.hidden.add(e.name); else view.hidden.delete(e.name);
        b.setAttribute("aria-pressed", String(!hide));
        redraw(view, true);
      });
      view.figure.querySelector(".key").append(b);
    }
  }

  /** The numbers behind a picture: a heading and rows. */
  function numbers(c) {
    if (c.xy && (c.xy.points || []).length) {
      const names = [...new Set(c.xy.points.flatMap((p) => (p.info || []).map((i) => i[0])))];
      return [["", ...names], c.xy.points.map((p) => [p.label || "", ...names.map((n) => ((p.info || []).find((i) => i[0] === n) || ["", ""])[1])])];
    }
    if (c.xy) {
      const series = c.xy.series || [];
      const shared = series.length > 0 && series.every((s) => !s.x);
      if (shared) {
        const n = Math.max(0, ...series.map(lengthOf));
        return [[(c.xy.x.label || "x") + (c.xy.x.kind === "s" ? " (s)" : ""), ...series.map((s) => s.name)],
          Array.from({ length: n }, (_, i) => [xOf(series[0], i), ...series.map((s) => s.y[i])])];
      }
      return [["series", c.xy.x.label || "x", c.xy.y.label || "y"],
        series.flatMap((s) => s.x.map((x, i) => [s.name, x, s.y[i]]))];
    }
    if (c.bars) return [["", ...c.bars.parts.map((p) => p.name), ""], c.bars.rows.map((r) => [r.label, ...r.values, r.note || ""])];
    if (c.heat) return [[c.heat.y_label + " / " + c.heat.x_label, ...c.heat.columns], c.heat.rows.map((r, y) => [r, ...c.heat.values[y]])];
    if (c.lanes) return [["row", "from (s)", "to (s)", "what", ""], c.lanes.rows.flatMap((r) => r.spans.map((s) => [r.label, s.from, s.to,
      (c.lanes.parts.find((p) => p.role === s.role) || {}).name || s.role, s.note || ""]))];
    if (c.grid) {
      const parts = c.grid.charts.map((g) => [g.title, numbers(g)]);
      return [["", ...(parts.length ? parts[0][1][0] : [])], parts.flatMap(([t, [, rows]]) => rows.map((r) => [t, ...r]))];
    }
    return [[], []];
  }

  const plain = (v) => (v === null || v === undefined ? "" : String(v));

  /** Fills the table behind a picture when it is opened. */
  function drawData(view) {
    const box = view.figure.querySelector("details.data");
    box.addEventListener("toggle", () => {
      if (!box.open || box.dataset.filled) return;
      box.dataset.filled = "yes";
      const [heads, rows] = numbers(view.chart);
      const table = html("table", {}, html("thead", {}, html("tr", {}, ...heads.map((h) => html("th", { scope: "col" }, h)))));
      const most = 200, body = html("tbody", {});
      for (const r of rows.slice(0, most)) body.append(html("tr", {}, ...r.map((v) => html("td", {}, plain(v)))));
      table.append(body);
      const csv = [heads, ...rows].map((r) => r.map((v) => (/[",\n]/.test(plain(v)) ? '"' + plain(v).replace(/"/g, '""') + '"' : plain(v))).join(",")).join("\n") + "\n";
      const button = html("button", { type: "button", class: "plain" }, "Save as CSV");
      button.addEventListener("click", () => {
        const a = html("a", { href: URL.createObjectURL(new Blob([csv], { type: "text/csv" })), download: view.chart.id + ".csv" });
        a.click();
        setTimeout(() => URL.revokeObjectURL(a.href), 1000);
      });
      box.append(button, html("div", { class: "scroll", tabindex: "0" }, table));
      if (rows.length > most) box.append(html("p", {}, `The first ${most} of ${rows.length} rows; the file has all.`));
    });
  }

  function sortable(table) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((th, column) => {
      const button = th.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const up = th.getAttribute("aria-sort") !== "ascending";
        for (const o of table.tHead.rows[0].cells) o.removeAttribute("aria-sort");
        th.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = [...body.rows], number = rows.some((r) => r.cells[column].dataset.key !== undefined);
        const value = (r) => { const c = r.cells[column]; return number ? (c.dataset.key === undefined ? NaN : Number(c.dataset.key)) : c.textContent; };
        const compare = (a, b) => {
          const total = Number(a.classList.contains("total")) - Number(b.classList.contains("total"));
          if (total) return total;
          const x = value(a), y = value(b);
          if (!number) return (up ? 1 : -1) * x.localeCompare(y, "en", { numeric: true });
          if (isNaN(x) || isNaN(y)) return Number(isNaN(x)) - Number(isNaN(y));
          return (up ? 1 : -1) * (x - y);
        };
        body.append(...rows.sort(compare));
        say("Sorted by " + button.textContent + (up ? ", ascending" : ", descending"));
      });
    });
  }

  function tabs(box) {
    const all = [...box.querySelector("[role=tablist]").children];
    const pick = (tab) => {
      for (const t of all) {
        const on = t === tab;
        t.setAttribute("aria-selected", String(on));
        t.tabIndex = on ? 0 : -1;
        document.getElementById(t.getAttribute("aria-controls")).hidden = !on;
      }
      for (const v of views) redraw(v, false);
    };
    all.forEach((t, i) => {
      t.addEventListener("click", () => pick(t));
      t.addEventListener("keydown", (ev) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[ev.key];
        if (!by) return;
        ev.preventDefault();
        const next = all[(i + by + all.length) % all.length];
        next.focus();
        pick(next);
      });
    });
  }

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const chart = charts[figure.dataset.chart];
    if (!chart) continue;
    const part = chart.xy || chart.lanes || {};
    const view = { chart, figure, plot: figure.querySelector(".plot"), hidden: new Set(), link: part.link };
    views.push(view);
    drawKey(view);
    drawData(view);
  }
  const redrawAll = (force) => { for (const v of views) redraw(v, force); };
  redrawAll(true);
  new ResizeObserver(() => redrawAll(false)).observe(document.body);
  document.querySelectorAll("table.sortable").forEach(sortable);
  document.querySelectorAll("[data-tabs]").forEach(tabs);
  document.querySelectorAll("[data-copy]").forEach((b) => b.addEventListener("click", () => copy(b.dataset.copy)));
  document.querySelectorAll("[data-filter]").forEach((input) => input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of document.getElementById(input.dataset.filter).tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((w) => text.includes(w));
      n += row.hidden ? 0 : 1;
    }
    say(n + " rows");
  }));
  const reset = document.getElementById("range-reset");
  if (reset) reset.addEventListener("click", () => Object.keys(zooms).forEach((link) => setZoom(link, null)));
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    redrawAll(true);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redrawAll(true));
  matchMedia("print").addEventListener("change", () => redrawAll(true)); // text on colours follows them
  // What tests read.
  window.simcap = { format, tick, clock, ticks, zooms, views, setZoom };
})();
