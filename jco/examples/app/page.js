// Shows what the worker posts. Vite and webpack find the worker by this very expression.

const worker = new Worker(new URL('./worker.js', import.meta.url), {
  type: 'module',
  name: 'visits',
});
const show = (text) => {
  document.querySelector('pre').textContent = text;
};
worker.onmessage = ({ data }) => show(data);
worker.onerror = ({ message }) => show(`it failed: ${message}`);
