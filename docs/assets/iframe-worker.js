// A page that is opened from a disk (file://) may not start a worker; the search of this site is one. So that it works
// without a server, the worker's script then runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.documentElement.appendChild(this.frame);
      const inner = this.frame.contentWindow;
      inner.postMessage = (data) => this.tell(data); // what the script calls to answer
      inner.importScripts = (...urls) => urls.reduce((last, one) => last.then(() => this.load(one)), Promise.resolve());
      this.load(url).then(() => {
        this.ready = true;
        this.waiting.forEach((data) => this.postMessage(data));
      });
    }

    load(url) {
      return new Promise((resolve, reject) => {
        const script = this.frame.contentDocument.createElement("script");
        script.src = new URL(url, location.href).href;
        script.onload = resolve;
        script.onerror = reject;
        this.frame.contentDocument.documentElement.appendChild(script);
      });
    }

    // Both ways a copy, and later, as between a page and a real worker.
    tell(data) {
      const event = new MessageEvent("message", { data: structuredClone(data) });
      setTimeout(() => this.dispatchEvent(event) && this.onmessage && this.onmessage(event));
    }

    postMessage(data) {
      if (!this.ready) return this.waiting.push(data);
      const event = new MessageEvent("message", { data: structuredClone(data) });
      setTimeout(() => this.frame.isConnected && this.frame.contentWindow.dispatchEvent(event));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
