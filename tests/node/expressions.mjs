// Evaluates GitHub Actions expressions with GitHub's own library, one JSON object a line.
//
// in:  {"kind": "text" | "condition", "source": "...", "context": {...}, "status": "success" | "failure" | "cancelled"}
// out: {"value": "..." | true | false}  or  {"error": "..."}
//
// "text" is what may contain ${{ }}; "condition" is an `if:`, with or without them.

import { createInterface } from "node:readline";
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { ensureStatusFunction } from "@actions/workflow-parser/model/converter/if-condition";

const STATUS = ["success", "failure", "cancelled", "always"];

function statusFunctions(status) {
  const answers = { success: status === "success", failure: status === "failure", cancelled: status === "cancelled", always: true };
  return STATUS.map((name) => ({ name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(answers[name]) }));
}

function evaluate(expression, context, functions) {
  const { tokens } = new Lexer(expression).lex();
  const tree = new Parser(tokens, Object.keys(context), functions).parse();
  const values = JSON.parse(JSON.stringify(context), data.reviver);
  return new Evaluator(tree, values, new Map(functions.map((each) => [each.name, each]))).evaluate();
}

// Splits at ${{ and }}; inside, a }} within single quotes does not count.
function segments(source) {
  const found = [];
  let at = 0;
  for (;;) {
    const start = source.indexOf("${{", at);
    found.push({ literal: source.slice(at, start < 0 ? undefined : start) });
    if (start < 0) return found;
    let end = start + 3;
    for (let quoted = false; quoted || !source.startsWith("}}", end); end += 1) {
      if (end >= source.length) throw new Error(`unclosed \${{ in: ${source}`);
      if (source[end] === "'") quoted = !quoted;
    }
    found.push({ expression: source.slice(start + 3, end) });
    at = end + 2;
  }
}

function isTrue(value) {
  switch (value.kind) {
    case data.Kind.Null:
      return false;
    case data.Kind.Boolean:
      return value.value;
    case data.Kind.Number:
      return value.value !== 0 && !Number.isNaN(value.value);
    case data.Kind.String:
      return value.value !== "";
    default:
      return true;
  }
}

function answer({ kind, source, context, status }) {
  if (kind === "text") {
    return segments(source)
      .map(({ literal, expression }) => literal ?? evaluate(expression, context, []).coerceString())
      .join("");
  }
  const whole = /^\s*\$\{\{([^]*)\}\}\s*$/.exec(source);
  const allowed = [...Object.keys(context), ...STATUS.map((name) => `${name}(0,0)`)];
  const condition = ensureStatusFunction(whole ? whole[1] : source, { allowedContext: allowed });
  return isTrue(evaluate(condition, context, statusFunctions(status)));
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = { value: answer(JSON.parse(line)) };
  } catch (error) {
    reply = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
