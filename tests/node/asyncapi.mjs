// Validates the AsyncAPI document on standard input with the standard's own parser; prints what is wrong.
import { Parser } from "@asyncapi/parser";
import { text } from "node:stream/consumers";

const diagnostics = await new Parser().validate(await text(process.stdin));
const wrong = diagnostics.filter(({ severity }) => severity === 0);
for (const { message, path } of wrong) console.log(`${path.join("/")}: ${message}`);
process.exitCode = wrong.length ? 1 : 0;
