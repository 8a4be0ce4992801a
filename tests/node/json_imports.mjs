// GitHub's packages import JSON files without saying so, which Node refuses since version 22.

import * as modules from "node:module";

const asJson = (resolved) => (resolved.url.endsWith(".json") ? { ...resolved, importAttributes: { type: "json" } } : resolved);

if (modules.registerHooks) {
  modules.registerHooks({ resolve: (specifier, context, next) => asJson(next(specifier, context)) });
} else {
  const source = `const asJson = ${asJson}; export const resolve = async (specifier, context, next) => asJson(await next(specifier, context));`;
  modules.register(`data:text/javascript,${encodeURIComponent(source)}`);
}
