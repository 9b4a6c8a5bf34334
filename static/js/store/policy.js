/**
 * The page's one Trusted Types policy. Two strings pass it, both the hub's own: the worker's address, which stands in the
 * page, and a message's HTML, which the hub made of its markdown and sanitised. Nothing else may use it.
 */

const policy = globalThis.trustedTypes?.createPolicy("hub", { createHTML: String, createScriptURL: String });

export const trusted = {
  html: (text) => policy?.createHTML(text) ?? text,
  script: (url) => policy?.createScriptURL(url) ?? url,
};
