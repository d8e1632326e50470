// The JSON API: which stories there are, and the story for those who ask again and again.

export async function readCatalogue() {
  return (await answerOf("/api/stories")).json();
}

// Why a request was refused: the sentence of its problem document (RFC 9457), where it has one.
export async function reasonOf(response) {
  const problem = typeOf(response) === "application/problem+json" && (await response.json().catch(() => undefined));
  return problem?.detail ?? `the server answered ${response.status}`;
}

export function typeOf(response) {
  return response.headers.get("content-type")?.split(";")[0].trim();
}

// *heard* has asked(), answered(bytes, events), done() and failed(reason).
export function pollerFor(run, heard) {
  let after = 0;
  let leaving;

  async function poll(signal) {
    for (let started = ""; ; ) {
      heard.asked();
      const body = await (await answerOf(`/api/poll${run.query}&after=${after}${started}`, signal)).arrayBuffer();
      const answer = JSON.parse(new TextDecoder().decode(body));
      after = answer.events.at(-1)?.id ?? after;
      started = `&started=${answer.started}`;
      heard.answered(body.byteLength, answer.events);
      if (answer.done) return heard.done();
      await new Promise((resolve) => setTimeout(resolve, answer.next_ms));
      signal.throwIfAborted();
    }
  }

  return {
    open() {
      leaving = new AbortController();
      const { signal } = leaving;
      poll(signal).catch((error) => signal.aborted || heard.failed(error.message));
    },
    close() {
      leaving.abort();
    },
  };
}

async function answerOf(path, signal) {
  const response = await fetch(path, { signal });
  if (!response.ok) throw new Error(await reasonOf(response));
  return response;
}
