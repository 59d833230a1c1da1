// Keeps the page as things are: when something has happened, or the page is ten seconds old, its main part is fetched anew and what differs
// is put in its place. Folds stay as they were left, and what is being typed stays.
"use strict";
(() => {
  const page = document.body.dataset.live;
  const contact = document.getElementById("contact");
  const every = 10000, silence = 40000, settle = 300;
  let fetching = false, again = false, timer = 0, lostSince = 0;

  const say = (text) => {
    contact.textContent = text;
    contact.hidden = !text;
  };
  // What is pressed now would go nowhere, and the browser's own page about that would take the place of this one.
  const bar = (away) => {
    for (const button of document.querySelectorAll("#main form[method=post] button")) button.disabled = away;
  };
  const lost = () => {
    if (!lostSince) lostSince = Date.now();
    bar(true);
    const seconds = Math.round((Date.now() - lostSince) / 1000);
    say("No contact with drwatch for " + seconds + " s. What stands here is from " + (document.getElementById("made")?.textContent || "before") + ", and nothing can be done here.");
  };
  const found = () => {
    if (lostSince) bar(false);
    lostSince = 0;
    say("");
  };

  // What people have done to the page and not yet sent.
  const fieldsOf = (form) => [...form.elements].filter((e) => e.name && e.type !== "hidden" && e.tagName !== "BUTTON");
  const nameOf = (root, form) => {
    const fold = form.closest("details[id]");
    const near = fold ? fold.id : form.closest("[id]")?.id || "";
    return near + "/" + [...root.querySelectorAll("form")].filter((f) => (f.closest("details[id]")?.id || f.closest("[id]")?.id || "") === near).indexOf(form);
  };
  const written = (root) => {
    const kept = new Map();
    for (const form of root.querySelectorAll("form"))
      for (const field of fieldsOf(form)) {
        const value = field.type === "checkbox" ? field.checked : field.value;
        if (value !== (field.type === "checkbox" ? field.defaultChecked : field.defaultValue) || field === document.activeElement)
          kept.set(nameOf(root, form) + "/" + field.name, { value, focus: field === document.activeElement, start: field.selectionStart, end: field.selectionEnd });
      }
    return kept;
  };
  const rewrite = (root, kept) => {
    for (const form of root.querySelectorAll("form"))
      for (const field of fieldsOf(form)) {
        const was = kept.get(nameOf(root, form) + "/" + field.name);
        if (!was) continue;
        if (field.type === "checkbox") field.checked = was.value;
        else field.value = was.value;
        if (!was.focus) continue;
        field.focus({ preventScroll: true });
        try { field.setSelectionRange(was.start, was.end); } catch { /* of a kind without a selection */ }
      }
  };
  const left = new Map();  // the folds that a person has touched, and how they were left
  document.addEventListener("click", (event) => {
    const fold = event.target.closest?.("summary")?.parentElement;
    if (fold?.id) setTimeout(() => left.set(fold.id, fold.open));
  });
  const refold = (root) => {
    for (const [id, open] of left) {
      const fold = root.querySelector("details#" + CSS.escape(id));
      if (fold) fold.open = open;
    }
  };

  // Where the keyboard is: of what is focused its like in the new page, or the heading of the nearest part that is still there.
  const alike_to = (like) => (e) => (e.name || "") === like.name && e.value === like.value && e.getAttribute("href") === like.href;
  const peers = (within, like) => [...within.querySelectorAll(like.tag)].filter(alike_to(like));
  const place_of = (main, e) => {
    if (!e || e === document.body || !main.contains(e)) return null;
    const around = [];
    for (let a = e; a && a !== main; a = a.parentElement) if (a.id) around.push(a.id);
    const like = { tag: e.tagName, name: e.name || "", value: e.tagName === "BUTTON" ? e.value : undefined, href: e.getAttribute("href") };
    const near = document.getElementById(around[0]) || main;
    return { around, like, own: e.id, n: peers(near, like).indexOf(e) };
  };
  const go_back_to = (main, was) => {
    if (!was || (document.activeElement && document.activeElement !== document.body)) return;
    const there = was.around.map((id) => document.getElementById(id)).filter(Boolean);
    const near = there[0]?.id === was.around[0] ? there[0] : null;
    const same = was.own ? document.getElementById(was.own) : near && peers(near, was.like)[was.n];
    const heading = there.map((part) => part.querySelector(":scope > h2, :scope > h3")).find(Boolean) || main.querySelector("h1");
    if (same && !same.disabled) same.focus({ preventScroll: true });
    if (!heading || (same && document.activeElement === same)) return;  // what is folded takes no focus
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  };

  // Part by part: a part that is the same is not touched, so that nothing under a thumb moves without a reason.
  const take = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    const main = document.getElementById("main"), fresh = next.getElementById("main");
    if (!main || !fresh) return;
    // What was refused is said until the next deed.
    const refused = main.querySelector("#not-done");
    const place = [...main.children].indexOf(refused);
    if (refused && !fresh.querySelector("#not-done")) fresh.insertBefore(refused.cloneNode(true), fresh.children[place]);
    const kept = written(main), focused = place_of(main, document.activeElement);
    const pieces = [...fresh.children], old = [...main.children];
    const alike = pieces.length === old.length && pieces.every((p, i) => p.id === old[i].id && p.tagName === old[i].tagName);
    refold(fresh);
    if (alike) {
      pieces.forEach((piece, i) => {
        if (old[i].outerHTML !== piece.outerHTML) old[i].replaceWith(document.importNode(piece, true));
      });
    } else {
      main.replaceChildren(...pieces.map((p) => document.importNode(p, true)));
    }
    rewrite(main, kept);
    go_back_to(main, focused);
    if (document.title !== next.title) document.title = next.title;
    const icon = document.querySelector("link[rel=icon]"), newer = next.querySelector("link[rel=icon]");
    if (icon && newer && icon.getAttribute("href") !== newer.getAttribute("href")) icon.setAttribute("href", newer.getAttribute("href"));
    document.body.className = next.body.className;
    const footer = document.querySelector("footer");
    footer.replaceWith(document.importNode(next.querySelector("footer"), true));
  };

  const look = async () => {
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    clearTimeout(timer);
    try {
      const answer = await fetch(page, { headers: { Accept: "text/html" }, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(silence) });
      // The session is over, or the page is gone: let the browser go where it is led.
      if (answer.redirected || answer.status === 404) return location.assign(page);
      if (answer.status === 200) {
        take(await answer.text());
        found();
      } else if (answer.status !== 503 && answer.status !== 429) {
        lost();
      }
    } catch {
      lost();
    } finally {
      fetching = false;
      timer = setTimeout(look, again ? settle : lostSince ? every / 3 : every);
      again = false;
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, settle);
  };

  // A deed is sent once, however often it is pressed, and leads to a new page, on which the keyboard goes on where it was.
  const main = document.getElementById("main");
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || !main.contains(form)) return;
    if (Date.now() - (form.dataset.sent || 0) < 3000) return event.preventDefault();
    form.dataset.sent = Date.now();
    sessionStorage.setItem("at", JSON.stringify({ page, when: Date.now(), was: place_of(main, event.submitter) }));
  });
  const before = JSON.parse(sessionStorage.getItem("at") || "null");
  sessionStorage.removeItem("at");
  // Only when the browser has gone to the fragment: that takes the focus away.
  const go_on = () => setTimeout(() => go_back_to(main, before.was), 50);
  if (before?.page === page && Date.now() - before.when < 60000)
    if (document.readyState === "complete") go_on();
    else addEventListener("load", go_on);
  // A link to what is folded opens it.
  document.addEventListener("click", (event) => {
    const to = event.target.closest?.("a[href^='#']")?.getAttribute("href");
    const fold = to && document.getElementById(to.slice(1))?.closest("details");
    if (fold) left.set(fold.id, (fold.open = true));
  });

  // One event stream a browser, however many pages are open: a browser has six connections to a host. The page that holds the lock listens,
  // and tells the others. Where there are no locks (they need HTTPS or this machine), a page listens while it is looked at.
  const others = "BroadcastChannel" in window ? new BroadcastChannel("drwatch") : null;
  if (others) others.onmessage = soon;
  const happened = () => {
    soon();
    others?.postMessage("something happened");
  };
  const listen = async (stop) => {
    for (let wait = 1000; !stop?.aborted; wait = Math.min(wait * 2, 30000)) {
      const over = new AbortController();
      stop?.addEventListener("abort", () => over.abort());
      let dead = setTimeout(() => over.abort(), silence);
      try {
        const answer = await fetch("/api/v1/events", { headers: { Accept: "text/event-stream" }, credentials: "same-origin", signal: over.signal });
        if (answer.ok) {
          const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            wait = 1000;
            clearTimeout(dead);
            dead = setTimeout(() => over.abort(), silence);
            if (/^data:/m.test(value)) happened();
          }
        }
      } catch { /* looked at again below */ }
      clearTimeout(dead);
      if (stop?.aborted) return;
      soon();
      await new Promise((go) => setTimeout(go, wait));
    }
  };
  if (navigator.locks && others) {
    navigator.locks.request("drwatch-events", () => listen());
  } else {
    let watching = null;
    const turn = () => {
      if (document.visibilityState === "visible" && !watching) listen((watching = new AbortController()).signal);
      else if (document.visibilityState === "hidden" && watching) watching = watching.abort();
    };
    document.addEventListener("visibilitychange", turn);
    turn();
  }
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && soon());
  setInterval(() => lostSince && lost(), 1000);
  timer = setTimeout(look, every);
})();
