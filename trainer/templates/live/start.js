// Begins all of it, once the page is read.

async function start() {
  const facts = JSON.parse(find('live-facts').textContent);
  const [wasm, model] = ['live-engine', 'live-model'].map((id) => bytesOf(find(id).textContent));
  const engine = await openEngine(wasm, model, facts);
  document.documentElement.classList.add('is-live');
  startTry(facts, engine);
  startPlan(facts, engine);
  const open = (bytes, ofModel) => openEngine(wasm, bytes, ofModel);
  return { facts, engine, open };
}

// For the browser's console, and for the test that drives this page.
window.kindling = start().catch((error) => {
  find('live-problem').textContent = `This page cannot compute: ${error.message ?? error}`;
  throw error;
});
