// What is wider than its place is scrolled, and so the keyboard must be able to reach it.
addEventListener("DOMContentLoaded", () => {
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  const wide = "article pre, article .table-wrapper, article .math-wrapper";
  for (const element of document.querySelectorAll(wide)) watcher.observe(element);
});
