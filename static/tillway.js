// What the pages need beyond links and forms. Everything works without it, only less at once.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);

  // --- clocks: the server's time, kept running here -------------------------------------------------
  const main = document.querySelector("main[data-server-now]");
  const offset = main ? Number(main.dataset.serverNow) - Date.now() : 0;
  const now = () => Date.now() + offset;
  const span = (s) => s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  const formats = new Map();
  const clock = (zone) => {
    if (!formats.has(zone)) {
      const wanted = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
      try { formats.set(zone, new Intl.DateTimeFormat("en-GB", { ...wanted, timeZone: zone })); }
      catch { formats.set(zone, new Intl.DateTimeFormat("en-GB", { ...wanted, timeZone: "UTC" })); }
    }
    return formats.get(zone).format(new Date(now()));
  };
  function tick() {
    for (const e of document.querySelectorAll("[data-until]")) e.textContent = span(Math.max(0, Math.ceil((e.dataset.until - now()) / 1000)));
    for (const e of document.querySelectorAll("[data-since]")) {
      const s = Math.max(0, now() - e.dataset.since, e.dataset.least || 0) / 1000;
      e.textContent = `${e.dataset.word || ""}${s < 60 ? `${s.toFixed(1)} s` : span(Math.floor(s))} …`;
    }
    for (const e of document.querySelectorAll("[data-clock]")) e.textContent = clock(e.dataset.clock);
    for (const svg of document.querySelectorAll("svg[data-from]")) {
      const part = (now() - svg.dataset.from) / (svg.dataset.to - svg.dataset.from);
      const x = Math.round(1000 * Math.min(1, Math.max(0, part)));
      svg.querySelector(".gone").setAttribute("width", x);
      svg.querySelector(".nowmark").setAttribute("x", Math.min(997, x));
    }
  }
  if (main) { tick(); setInterval(tick, 500); }

  // --- the live page: fragments made by the server, put where their ids say ---------------------------
  // Not by htmx's hx-swap-oob: it fires one event per element already swapped for each further one, so its
  // work grows with the square of the changes, and it logs an error for a target that is not there.
  const LOG_LINES = 300;
  let seen = 0; // the newest version that the stream has brought
  function apply(html) {
    const box = document.createElement("template");
    box.innerHTML = html; // made by our templates, which escape everything; the CSP forbids inline script
    // A button's answer may arrive after news that are newer than it: then only what it says in words counts.
    const answer = box.content.querySelector("#alert[data-version]");
    if (answer && Number(answer.dataset.version) < seen) box.content.replaceChildren(answer);
    const focused = document.activeElement && document.activeElement.id;
    for (const part of [...box.content.querySelectorAll("[data-swap]")]) {
      if (part.parentElement && part.parentElement.closest("[data-swap]")) continue; // comes with its list
      const old = byId(part.id), into = part.dataset.into && byId(part.dataset.into);
      if (part.dataset.swap === "prepend") { if (!old && into) news.push([into, part]); continue; }
      if (old) old.replaceWith(part); else if (into) into.prepend(part); else continue;
      if (part.querySelector("[hx-post]")) window.htmx.process(part);
    }
    for (const [into, line] of news.reverse()) into.prepend(line);
    news.length = 0;
    const log = byId("log");
    while (log && log.childElementCount > LOG_LINES) log.lastElementChild.remove();
    if (byId("none-yet") && byId("cells").childElementCount) byId("none-yet").remove();
    if (focused && document.activeElement === document.body && byId(focused)) byId(focused).focus({ preventScroll: true });
    filter();
    tick();
  }
  const news = []; // newest first, as they come

  const sign = (alive) => {
    const e = byId("live-sign");
    if (e) { e.classList.toggle("off", !alive); e.textContent = alive ? "Live" : "Reconnecting…"; }
  };
  document.addEventListener("htmx:sseOpen", () => sign(true));
  document.addEventListener("htmx:sseError", () => { sign(false); askWhetherLoggedOut(); });
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    event.preventDefault();
    seen = Number(event.detail.lastEventId) || seen;
    apply(event.detail.data);
    // The browser repeats Last-Event-ID when it reconnects; a connection made afresh asks from here on.
    const id = event.detail.lastEventId, live = byId("live");
    if (id) live.setAttribute("sse-connect", live.getAttribute("sse-connect").replace(/after=\d+/, `after=${id}`));
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.target.matches("[data-act]") && !event.detail.requestConfig.elt.matches("[data-act]")) return;
    event.detail.shouldSwap = false;
    apply(event.detail.serverResponse);
  });
  const alarm = (text, ...more) => {
    if (!byId("alert")) return;
    const note = document.createElement("div");
    note.className = "note bad";
    note.append(text, ...more);
    byId("alert").replaceChildren(note);
  };
  // A stream that is refused tells no reason: ask for it, now and then.
  let asked = 0;
  async function askWhetherLoggedOut() {
    if (Date.now() - asked < 10000) return;
    asked = Date.now();
    const stop = new AbortController();
    try {
      const answer = await fetch(byId("live").getAttribute("sse-connect"), { signal: stop.signal, cache: "no-store" });
      stop.abort();
      if (answer.status !== 401) return;
      const link = document.createElement("a");
      link.href = `/login/?next=${encodeURIComponent(location.pathname)}`;
      link.textContent = "Log in again";
      alarm("You have been logged out: this page is no longer updated. A running cutover continues. ", link);
    } catch { /* the dashboard cannot be reached; the sign says so already */ }
  }
  document.addEventListener("htmx:sendError", () => {
    alarm("The dashboard cannot be reached. A running cutover continues. Try again.");
    if (byId("alert")) byId("alert").firstChild.dataset.passes = "";
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const note = event.detail.successful && document.querySelector("#alert [data-passes]");
    if (note) note.remove();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const out = event.detail.xhr.status === 403;
    alarm(out ? "This is no longer allowed: you may have been logged out. Reload the page." : "The dashboard could not do this; its log has the details. A running cutover continues.");
  });

  // --- find: on cells and rows alike -----------------------------------------------------------------
  function filter() {
    const field = document.querySelector("[data-filters]");
    if (!field) return;
    const wanted = field.value.trim().toLowerCase();
    for (const e of document.querySelectorAll("#cells > li, #rows > tr")) {
      const hide = wanted !== "" && !`${e.dataset.terminal} ${e.dataset.state}`.toLowerCase().includes(wanted);
      if (e.hidden !== hide) e.hidden = hide;
    }
  }
  document.addEventListener("input", (event) => { if (event.target.matches("[data-filters]")) filter(); });

  // --- dialogs: ask first ----------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener && byId(opener.dataset.opens)) {
      event.preventDefault();
      byId(opener.dataset.opens).showModal();
    }
    if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
    const saver = event.target.closest("[data-saves]");
    if (saver) save(byId(saver.dataset.saves), saver.dataset.name);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const dialog = event.target.closest && event.target.closest("dialog");
    if (dialog) dialog.close();
  });

  // --- a text on the page as a download: it exists nowhere else ---------------------------------------
  function save(field, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([field.value], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
})();
