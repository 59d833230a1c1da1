// SPDX-License-Identifier: Apache-2.0
// What a responder does on a phone, in a real browser. Each `step` says what must hold; the first that does not ends the run.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const { DRWATCH_URL: url, DRWATCH_TOKEN: token, DRWATCH_INCIDENT: id, SHOTS: shots } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const incident = `${url}/incidents/${id}`;
const patience = 60000;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
const errors = [];
const open = async (options) => {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  // What the content policy forbids is said on the console.
  page.on("console", (line) => line.type() === "error" && !/Failed to load resource|ERR_/.test(line.text()) && errors.push(line.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  return { context, page };
};
let number = 0;
const step = async (name, does) => {
  await does();
  console.log(`ok ${++number} ${name}`);
};
const shot = async (page, name, whole = true) => {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: whole });
};
const no_sideways = async (page) => {
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide[0] <= wide[1], `${page.url()} is ${wide[0]} wide in ${wide[1]}`);
};
// Serious is what keeps somebody out. The script is brought in by the driver, past the page's content policy.
const no_serious_fault = async (page) => {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  const serious = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`), [], page.url());
};
const sign_in = async (page, at) => {
  await page.goto(at);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(at);
};
const next = (page) => page.locator("#next");
// The page has looked anew.
const refreshed = async (page) => {
  await page.evaluate(() => document.getElementById("made").setAttribute("data-old", ""));
  await page.locator("#made:not([data-old])").waitFor();
};

const { context, page } = await open(phone);
await step("the paged link leads through signing in to the incident", async () => {
  await page.goto(incident);
  assert.match(page.url(), /\/login\?next=/);
  await shot(page, "login-phone-light");
  await no_serious_fault(page);
  await sign_in(page, incident);
  await next(page).getByText("Somebody has to take it").waitFor();
  await shot(page, "incident-phone-light");
});
await step("the next thing to do is in reach of a thumb", async () => {
  const box = await page.locator("#thumb button").boundingBox();
  assert.ok(box && box.y > 844 / 2 && box.y + box.height <= 844 + 1, JSON.stringify(box));
  assert.ok(box.height >= 43, `a thumb needs ${box.height} pixels`);
  await page.locator("#thumb button").tap();
  await page.getByText("Taken by oncall.").waitFor();
});
await step("another browser sees it by itself, keeps its folds and what is being typed", async () => {
  const other = await open({ viewport: { width: 1280, height: 900 } });
  await sign_in(other.page, incident);
  await other.page.getByText("Write a note…").click();
  await other.page.locator("#note-fold textarea").fill("half a sentence");
  await other.page.locator("#guide-next-scope summary").click();
  await page.locator("#thumb button").tap();
  await next(page).getByText("started", { exact: true }).waitFor();
  await next(other.page).getByText("started", { exact: true }).waitFor();
  assert.equal(await other.page.locator("#note-fold textarea").inputValue(), "half a sentence");
  assert.equal(await other.page.locator("#note-fold").getAttribute("open"), "");
  assert.equal(await other.page.locator("#guide-next-scope").getAttribute("open"), null);
  await shot(other.page, "incident-desktop-light");
  await other.page.emulateMedia({ colorScheme: "dark" });
  await shot(other.page, "incident-desktop-dark");
  await no_serious_fault(other.page);
  await other.page.emulateMedia({ media: "print", colorScheme: "light" });
  assert.ok((await other.page.pdf()).length > 10000);
  await other.context.close();
});
await step("a step is done with a note, a command is run after its arguments were repeated", async () => {
  await next(page).getByLabel("Note").first().fill("<script>alert(1)</script> only the primary");
  await next(page).getByRole("button", { name: "Done" }).tap();
  await next(page).getByText("Initiate point-in-time recovery").first().waitFor();
  assert.equal(await page.locator("#guide-scope").getAttribute("open"), null, "a guide that is done is folded");
  await page.getByText("Run the command…").tap();
  await page.locator("#next .argv").getByText("database-outage", { exact: true }).waitFor();
  await shot(page, "run-phone-light");
  await page.getByRole("button", { name: "Run it now" }).tap();
  await next(page).getByText("Tell everybody").first().waitFor();
});
await step("what is refused is a sentence on the page", async () => {
  await page.locator("#resolve-fold summary").tap();
  await page.getByRole("button", { name: "The work is done: resolve it" }).tap();
  await page.getByText("Not done.").waitFor();
  await shot(page, "refused-phone-light");
  await no_serious_fault(page);
  const in_view = async () => {
    const box = await page.locator("#not-done").boundingBox();
    assert.ok(box && box.y >= 0 && box.y + box.height <= 844, `out of sight: ${JSON.stringify(box)}`);
  };
  await in_view();
  // With the fragment of the deed before it, as on a page that is worked on.
  await page.evaluate(() => document.getElementById("messages").scrollIntoView());
  await in_view();
  await refreshed(page);
  await in_view();
});
await step("a note leaves the page where it is", async () => {
  await page.locator("#note-fold summary").tap();
  await page.locator("#note-fold textarea").fill("the second line was rung");
  const before = await page.locator("#note-fold").evaluate((fold) => fold.getBoundingClientRect().top);
  await page.getByRole("button", { name: "Add it to the timeline" }).tap();
  await page.locator("#newest-note").getByText("the second line was rung").waitFor();
  assert.equal(await page.locator("#not-done").count(), 0, "what was refused is said until the next deed");
  const after = await page.locator("#note-fold").evaluate((fold) => fold.getBoundingClientRect().top);
  assert.ok(after >= 0 && after <= 844, `the note's place moved from ${before} to ${after}`);
});
await step("the keyboard stays where it was, over a new look and over a deed", async () => {
  const desk = await open({ viewport: { width: 1280, height: 900 } });
  await sign_in(desk.page, incident);
  const at = () => desk.page.evaluate(() => [document.activeElement.tagName, document.activeElement.value || document.activeElement.id]);
  await desk.page.locator("#next button[value=start]").first().focus();
  const where = await at();
  assert.deepEqual(where, ["BUTTON", "start"]);
  await refreshed(desk.page);
  assert.deepEqual(await at(), where);
  await desk.page.keyboard.press("Enter");
  await next(desk.page).getByText("started", { exact: true }).waitFor();
  await desk.page.waitForFunction(() => document.activeElement !== document.body);
  assert.deepEqual(await at(), ["H2", "next-title"]);
  await desk.context.close();
});
await step("a message is approved, and its sending noted", async () => {
  await page.getByRole("button", { name: "Approve" }).tap();
  await page.getByText("approved", { exact: true }).waitFor();
  await page.getByRole("button", { name: "I have sent it" }).tap();
  await page.getByText("sent", { exact: true }).waitFor();
});
await step("the last step is skipped with a reason, and the incident is resolved", async () => {
  await page.locator("#next").getByText("Skip…").tap();
  await page.locator("#next").getByLabel("Why it is skipped").fill("they know");
  await page.getByRole("button", { name: "Skip it" }).tap();
  await next(page).getByText("Nothing is left to do: resolve it").waitFor();
  await page.locator("#thumb").getByText("Resolve…").tap();
  await page.getByRole("button", { name: "The work is done: resolve it" }).tap();
  await next(page).getByText("Nothing is to be done here").waitFor();
  await page.getByText("<script>alert(1)</script> only the primary").first().waitFor();
  await shot(page, "resolved-phone-light");
});
await step("a drill is begun by thumb, from the drills and from a scenario; what is refused is said", async () => {
  await page.goto(`${url}/drills`);
  await page.getByText("Begin a drill…").tap();
  await page.getByLabel("Scenario").selectOption("security-breach");
  await page.getByLabel("Type").selectOption("tabletop");
  await shot(page, "begin-drill-phone-light");
  await no_serious_fault(page);
  await page.getByRole("button", { name: "Begin the drill" }).tap();
  await page.waitForURL(/\/drills\/drill-.*-security-breach/);
  await next(page).getByText("Somebody has to take it").waitFor();
  await page.goto(`${url}/runbook/security-breach`);
  await page.getByText("A drill of it runs").waitFor();
  await page.goto(`${url}/runbook/database-outage`);
  await page.getByText("Begin a drill…").tap();
  await page.getByRole("button", { name: "Begin the drill" }).tap();
  await page.getByText("A real incident is open").waitFor();
  await shot(page, "drill-refused-phone-light");
});
await step("no page scrolls sideways at 320 pixels, or has a serious fault, light and dark", async () => {
  const narrow = await open({ ...phone, viewport: { width: 320, height: 640 } });
  await sign_in(narrow.page, `${url}/`);
  const paths = ["/", `/incidents/${id}`, "/incidents", "/events", "/components/database", "/components/part-0", "/probes/primary", "/runbook",
    "/runbook/database-outage", "/drills", `/incidents/${id}/report`, "/?find=part&health=up", "/nowhere"];
  for (const path of paths)
    for (const colorScheme of ["light", "dark"]) {
      await narrow.page.emulateMedia({ colorScheme });
      await narrow.page.goto(url + path);
      await shot(narrow.page, `narrow${path.replaceAll(/[/?&=]/g, "-").slice(-30)}-${colorScheme}`);
      await no_sideways(narrow.page);
      await no_serious_fault(narrow.page);
    }
  await narrow.context.close();
});
await step("text grows with what the reader has set, and nothing goes over the edge", async () => {
  const large = await open(phone);
  await sign_in(large.page, `${url}/`);
  for (const path of ["/", `/incidents/${id}`, "/runbook/database-outage", "/drills"]) {
    await large.page.goto(url + path);
    const size = () => large.page.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize));
    const usual = await size();
    await large.page.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
    assert.equal(await size(), 2 * usual);
    await shot(large.page, `large${path.replaceAll("/", "-").slice(0, 30)}`);
    await no_sideways(large.page);
  }
  await large.context.close();
});
await step("without scripts it is read and worked as well", async () => {
  const plain = await open({ ...phone, javaScriptEnabled: false });
  await sign_in(plain.page, incident);
  await plain.page.getByText("Write a note…").tap();
  await plain.page.locator("#note-fold textarea").fill("written without a script");
  await plain.page.getByRole("button", { name: "Add it to the timeline" }).tap();
  await plain.page.locator("#timeline").getByText("written without a script").waitFor();
  await plain.context.close();
});
await step("lost contact is said, and found again", async () => {
  await page.goto(`${url}/`);
  await shot(page, "overview-phone-light");
  assert.match(await page.title(), /is down/);
  assert.match(await page.locator("link[rel=icon]").getAttribute("href"), /icon-down-/);
  await context.setOffline(true);
  await page.getByText("No contact with drwatch").waitFor();
  await shot(page, "lost-phone-light", false);
  await context.setOffline(false);
  await page.getByText("No contact with drwatch").waitFor({ state: "hidden" });
  // Of an incident that is over nothing new is looked for: the database is still down, and there is another.
  await page.locator("#main a[href^='/incidents/2']").first().tap();
  await page.locator("#next").waitFor();
  await context.setOffline(true);
  await page.getByText("nothing can be done here").waitFor();
  assert.equal(await page.locator("#main form[method=post] button:enabled").count(), 0);
  await context.setOffline(false);
  await page.getByText("No contact with drwatch").waitFor({ state: "hidden" });
  assert.ok(await page.locator("#main form[method=post] button:enabled").count() > 0);
  await page.goto(`${url}/`);
  const wide = await open({ viewport: { width: 1280, height: 900 } });
  await sign_in(wide.page, `${url}/`);
  for (const colorScheme of ["light", "dark"]) {
    await wide.page.emulateMedia({ colorScheme });
    await shot(wide.page, `overview-desktop-${colorScheme}`);
    await page.emulateMedia({ colorScheme });
    await shot(page, `overview-phone-${colorScheme}`);
  }
  await wide.context.close();
});
await step("signing out ends it", async () => {
  await page.getByRole("button", { name: "Sign out" }).tap();
  await page.waitForURL(/\/login/);
  await page.goto(incident);
  assert.match(page.url(), /\/login\?next=/);
});
await step("nothing broke the content policy, and no script failed", async () => assert.deepEqual(errors, []));
await browser.close();
