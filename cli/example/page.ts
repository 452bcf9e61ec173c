// The example's web page. `{device}` is put in on the device itself.

export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Skerry on {device}</title>
<style>
  body { margin: 0; min-height: 100vh; display: grid; place-content: center; text-align: center;
         font: 1.1rem/1.6 system-ui, sans-serif; color: #12303f; background: linear-gradient(#eaf4f7 55%, #8fc1d4 55%, #4d8ea8); }
  h1 { margin: .2em 0 0; font-size: 2.4rem }
  p { margin: .2em 0 }
  code { background: #fff9; padding: .1em .4em; border-radius: .3em }
</style>
<svg role="img" aria-label="a rock in the sea with a light on it" width="280" height="150" viewBox="0 0 280 150" style="margin: auto">
  <path d="M30 150 L90 84 L122 70 L160 92 L205 100 L250 150 Z" fill="#4a5a63"/>
  <path d="M90 84 L122 70 L140 150 L60 150 Z" fill="#5f717b"/>
  <rect x="112" y="28" width="18" height="46" fill="#fff"/><rect x="112" y="42" width="18" height="12" fill="#d1495b"/>
  <rect x="114" y="16" width="14" height="12" fill="#ffd166"/><path d="M110 16 L121 6 L132 16 Z" fill="#d1495b"/>
</svg>
<h1>Hello from {device}</h1>
<p>This page comes from a container that Skerry runs on this device.</p>
<p>See how it does: <code>npx skerry describe app hello</code></p>
</html>`
