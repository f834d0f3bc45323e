(() => {
  const out = [], seen = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== "hidden";
  const say = (what, e) => out.push(what + ": " + (e.textContent || e.outerHTML).trim().slice(0, 60));
  const overlap = (a, b, by) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > by &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > by;
  const hidden = (e) => e.closest(".hidden, .skip, .scroll, pre, details:not([open])");
  if (document.documentElement.scrollWidth > innerWidth + 1)
    out.push("the page is " + document.documentElement.scrollWidth + " wide in a window of " + innerWidth);
  for (const svg of document.querySelectorAll("figure svg[data-width]")) {
    if (!seen(svg)) continue;
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter((t) => t.textContent.trim());
    const boxes = texts.map((t) => t.getBoundingClientRect());
    boxes.forEach((b, i) => {
      if (b.left < frame.left - 1.5 || b.right > frame.right + 1.5 || b.top < frame.top - 1.5 || b.bottom > frame.bottom + 1.5)
        say("outside of its picture " + svg.closest("figure").id, texts[i]);
      for (let k = 0; k < i; k++)
        if (overlap(b, boxes[k], 1)) say("on '" + texts[k].textContent + "' in " + svg.closest("figure").id, texts[i]);
    });
    if (!svg.getAttribute("aria-label")) say("no label", svg);
  }
  const leaves = [...document.querySelectorAll("body *")].filter((e) => !e.closest("svg, script, style, noscript") &&
    [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && seen(e) && !hidden(e));
  const boxes = leaves.map((e) => getComputedStyle(e).display === "inline" ? [...e.getClientRects()] : [e.getBoundingClientRect()]);
  leaves.forEach((e, i) => {
    const b = e.getBoundingClientRect();
    if (b.left < -1 || b.right > innerWidth + 1) say("outside of the window", e);
    if (e.scrollWidth > e.clientWidth + 2 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline") say("clipped", e);
    for (let k = Math.max(0, i - 40); k < i; k++) {
      const o = leaves[k];
      if (o.contains(e) || e.contains(o) || e.closest(".range, .tip") || o.closest(".range, .tip")) continue;
      if (boxes[i].some((x) => boxes[k].some((y) => overlap(x, y, 2)))) say("on '" + o.textContent.trim().slice(0, 30) + "'", e);
    }
    const part = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
    const light = (c) => { const [r, g, b] = c.match(/[\d.]+/g).map(Number); return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
    let ground = e, color = "rgba(0, 0, 0, 0)";
    while (ground && /rgba\(.*, 0\)|transparent/.test(color)) { color = getComputedStyle(ground).backgroundColor; ground = ground.parentElement; }
    if (/^rgb\(/.test(color)) {
      const [x, y] = [light(color), light(getComputedStyle(e).color)].sort((m, n) => n - m);
      if ((x + 0.05) / (y + 0.05) < 4.5) say("contrast " + ((x + 0.05) / (y + 0.05)).toFixed(2), e);
    }
  });
  for (const b of document.querySelectorAll("button, input, [role=tab], th button"))
    if (!(b.textContent.trim() || b.getAttribute("aria-label") || b.closest("label"))) say("no name", b);
  for (const n of document.querySelectorAll("[id]"))
    if (document.querySelectorAll("#" + CSS.escape(n.id)).length > 1) say("id twice", n);
  return out.slice(0, 12);
})()
