// Before the first paint, so that a chosen theme does not flash. Kept apart from the modules, which run later.
try {
  const theme = localStorage.getItem("millrace.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off; the system's preference holds.
}
