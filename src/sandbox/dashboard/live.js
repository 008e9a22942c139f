// Keeps a page up to date, and its place: what differs is taken over from the page as it is now.
"use strict";

const parser = new DOMParser();

// Attributes that a person changes, not the server.
const theirs = new Set(["open", "hidden"]);

function takeAttributes(from, to) {
  for (const { name, value } of to.attributes) {
    if (!theirs.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!theirs.has(name) && !to.hasAttribute(name)) from.removeAttribute(name);
  }
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
}

// Makes `from` what `to` is, with as little change as will do: focus, scroll and sound stay.
function take(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  if (from.hasAttribute("data-keep")) return;
  if (from.hasAttribute("data-calm")) {
    if (from.textContent === to.textContent || !isTime(from)) return;
  }
  takeAttributes(from, to);
  if (["INPUT", "TEXTAREA", "SELECT"].includes(from.nodeName)) return;
  const ids = new Set([...to.children].map((child) => child.id).filter(Boolean));
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    // Named children that are no longer there go; others stay where they are.
    while (at && at.id && !ids.has(at.id)) at = drop(at);
    const named = wanted.id && [...from.children].find((child) => child.id === wanted.id);
    if (named && named !== at) {
      while (at && at !== named && !(at.id && ids.has(at.id))) at = drop(at);
      if (at !== named) from.insertBefore(named, at);
      else at = at.nextSibling;
      take(named, wanted);
    } else if (at && alike(at, wanted)) {
      take(at, wanted);
      at = at.nextSibling;
    } else {
      const made = document.importNode(wanted, true);
      from.insertBefore(made, at);
      ready(made);
      if (at && !at.id && !wanted.id) at = drop(at);
    }
  }
  while (at) at = drop(at);
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

// A screen reader is told at most once in a while.
const CALM = 4000;
const told = new WeakMap();
let later = null;
function isTime(node) {
  const now = performance.now();
  if (now - (told.get(node) ?? -Infinity) < CALM) {
    // What is put off now is not forgotten.
    later ??= setTimeout(() => {
      later = null;
      refresh();
    }, CALM);
    return false;
  }
  told.set(node, now);
  return true;
}

function takePage(html) {
  const page = parser.parseFromString(html, "text/html");
  document.title = page.title;
  take(document.body, page.body);
  return page;
}

let busy = false;
let again = false;
async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if ((answer.ok || answer.status === 404) && !sending) takePage(await answer.text());
  } catch {
    // The sandbox is gone, or coming back: the event stream finds out.
  }
  busy = false;
  if (again) {
    again = false;
    refresh();
  }
}

let events = null;
function listen() {
  if (events || document.hidden) return;
  events = new EventSource("/live");
  events.addEventListener("changed", refresh);
  events.addEventListener("open", () => document.body.classList.remove("lost"));
  events.addEventListener("error", () => document.body.classList.add("lost"));
}

// A browser has few connections to a host: pages that nobody looks at take none.
function hush() {
  events?.close();
  events = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    hush();
  } else {
    listen();
    refresh();
  }
});
addEventListener("pagehide", hush);
addEventListener("pageshow", (event) => {
  listen();
  if (event.persisted) refresh();
});

// Where the page is scrolled, what a button led to must be seen all the same.
let fading = null;
function tell(place, notice) {
  place.replaceChildren(...notice.childNodes);
  place.classList.add("toast");
  clearTimeout(fading);
  // A refusal stays to be read.
  if (!place.querySelector(".refusal")) fading = setTimeout(() => place.replaceChildren(), 10000);
}

// Buttons: the answer is the page as it is afterwards, taken over in place.
let sending = 0;
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-quiet]")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  sending += 1;
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    if (new URL(answer.url).pathname !== location.pathname) {
      location.assign(answer.url);
      return;
    }
    const page = takePage(await answer.text());
    const notice = page.getElementById("notice");
    const place = document.getElementById("notice");
    if (notice && place) tell(place, notice);
    if (form.hasAttribute("data-clear") && !place?.querySelector(".refusal")) form.reset();
    form.closest("details")?.removeAttribute("open");
  } catch {
    document.body.classList.add("lost");
  } finally {
    sending -= 1;
  }
  // The button may be gone: what it did is told, and the keyboard goes on from there.
  if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
});

document.addEventListener("change", (event) => {
  if (event.target.matches("form[method=get] select")) event.target.form.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = event.target.closest?.("details.ask[open], details.clock-to[open]");
    open?.removeAttribute("open");
    open?.querySelector("summary")?.focus();
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
  await navigator.clipboard.writeText(text);
  button.classList.add("is-copied");
  setTimeout(() => button.classList.remove("is-copied"), 1200);
});

function ready(root) {
  if (root.nodeType !== Node.ELEMENT_NODE) return;
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

ready(document.body);
// On a phone the navigation is wider than the page.
document.querySelector(".side nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
told.set(document.getElementById("spoken"), performance.now());
listen();
