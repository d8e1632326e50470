// Draws the OpenAPI document of this API, and lets each of its operations be tried. No framework, nothing from elsewhere:
// the content security policy allows scripts, styles and requests of this web origin only.

const at = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Markdown as far as the descriptions use it: paragraphs, and code between backticks.
function prose(text = "") {
  return text.split(/\n{2,}/).map((paragraph) => element("p", {}, ...inline(paragraph)));
}

function inline(text = "") {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

// What a schema says in a few words; documents that have an entry of their own are linked.
function type(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return [element("a", { href: `#${name}` }, name)];
  }
  if (schema.anyOf) return schema.anyOf.flatMap((option, index) => (index ? [" or ", ...type(option)] : type(option)));
  if (schema.type === "array" && schema.items) return ["list of ", ...type(schema.items)];
  return [schema.type ?? "anything"];
}

function drawDocument(name, schema) {
  const rows = Object.entries(schema.properties).map(([field, of]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, element("code", {}, field)),
      element("td", {}, ...type(of)),
      element("td", {}, ...inline(of.description)),
    ),
  );
  const title = element("h3", { id: name }, name);
  const table = element("table", {}, element("tbody", {}, ...rows));
  return element("article", {}, title, ...prose(schema.description), table);
}

function drawOperation(path, operation) {
  const parameters = operation.parameters ?? [];
  const answers = operation.responses["200"].content["application/json"].schema;
  const tried = element("output", { hidden: true });
  const form = element(
    "form",
    {},
    ...parameters.map((parameter) => drawField(operation.operationId, parameter)),
    element("button", {}, "Try it"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(address(path, parameters, form), tried);
  });
  return element(
    "article",
    { id: operation.operationId },
    element("h2", {}, element("span", { className: "method" }, "GET"), " ", element("code", {}, path)),
    ...prose(operation.description),
    element("p", {}, "Answers: ", ...type(answers)),
    form,
    tried,
  );
}

function drawField(operationId, parameter) {
  const { name, schema, required } = parameter;
  const id = `${operationId}-${name}`;
  const choices = (required ? [] : [""]).concat(schema.enum ?? []).map((value) => element("option", {}, value));
  const input = schema.enum
    ? element("select", { id, name }, ...choices)
    : element("input", { id, name, autocomplete: "off", spellcheck: false });
  if (!schema.enum && schema.type !== "string") input.inputMode = "numeric";
  const hint = element("small", { id: `${id}-hint` }, ...inline(parameter.description));
  input.setAttribute("aria-describedby", hint.id);
  return element("p", {}, element("label", { htmlFor: id }, name), input, hint);
}

// The path with its braces and the query filled in from the form; a field left empty is not sent.
function address(path, parameters, form) {
  const sent = parameters.map(({ name, in: place }) => ({ name, place, value: form.elements[name].value }));
  const asked = sent.filter(({ place, value }) => place === "query" && value !== "");
  const query = new URLSearchParams(asked.map(({ name, value }) => [name, value]));
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value));
  return query.size ? `${filled}?${query}` : filled;
}

async function attempt(url, output) {
  const asked = element("p", {}, element("a", { href: url }, `GET ${url}`));
  output.hidden = false;
  output.replaceChildren(asked);
  const begun = performance.now();
  try {
    const reply = await fetch(url);
    const text = await reply.text();
    const took = Math.round(performance.now() - begun);
    const summary = `${reply.status}, ${reply.headers.get("content-type")}, ${took} ms`;
    const status = element("p", { className: "status" }, summary);
    output.replaceChildren(asked, status, element("pre", { tabIndex: 0 }, pretty(text)));
  } catch {
    output.replaceChildren(asked, element("p", { className: "alarm" }, "No answer: is the site still there?"));
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function draw() {
  const reply = await fetch("openapi.json");
  if (!reply.ok) throw new Error(`openapi.json: ${reply.status}`);
  const { info, paths, components } = await reply.json();
  at("about").replaceChildren(...prose(info.description));
  at("operations").replaceChildren(...Object.entries(paths).map(([path, { get }]) => drawOperation(path, get)));
  at("documents").replaceChildren(
    ...Object.entries(components.schemas).map(([name, schema]) => drawDocument(name, schema)),
  );
  at("operations").removeAttribute("aria-busy");
  at(location.hash.slice(1))?.scrollIntoView(); // what the address points at was not there when the page was loaded
}

draw().catch((error) => {
  at("operations").replaceChildren(element("p", { className: "alarm" }, `The document did not come: ${error.message}`));
});
