// The theme makes these elements: wide tables that scroll but cannot be reached by keyboard, and landmarks without a name.
addEventListener("load", () => {
  const word = document.documentElement.lang === "zh" ? "代码" : "Code";
  for (const each of document.querySelectorAll(".md-typeset__scrollwrap")) each.tabIndex = 0;
  document.querySelectorAll(".md-code__nav").forEach((each, index) => each.setAttribute("aria-label", `${word} ${index + 1}`));
});
// Addresses of error codes were fragments of the list: /docs/errors#INVALID.
const code = /^#[A-Z_]+$/.test(location.hash) && document.querySelector(`td a[href="${location.hash.slice(1)}/"]`);
if (code) location.replace(code.href);
