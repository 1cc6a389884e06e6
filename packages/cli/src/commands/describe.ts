import { ANSWER_MS, nameOf, withClient } from "../connection/connect.js";
import { callFailure, describeMethods } from "../connection/remote-method.js";
import { contractOf, signatureOf } from "../contract/contract-text.js";
import { CommandError, EXIT, type ExitCode } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { DESCRIBE_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";
import { visible, visibleJson } from "../output/visible-text.js";

/** `ipc describe NAME [METHOD]`: prints what a server serves: signatures, JSON Schemas with `--json`, a contract with `--ts`. */
export async function run(invocation: Invocation<Values<typeof DESCRIBE_OPTIONS>>): Promise<ExitCode | undefined> {
  const { args, options, output, signal } = invocation;
  const name = nameOf(invocation);
  const [, wanted] = args;
  const all = await withClient(invocation, async (client) => {
    try {
      return await describeMethods(client, { signal, timeoutMs: options.timeout ?? ANSWER_MS });
    } catch (error) {
      throw callFailure(error);
    }
  });
  const methods = wanted === undefined ? all : all.filter((method) => method.name === wanted);
  if (wanted !== undefined && methods.length === 0) {
    const known = all.map((method) => method.name).join(", ");
    throw new CommandError(EXIT.failed, `${name} has no method ${wanted}; it has ${known === "" ? "none" : known}`);
  }
  if (options.ts) await output.line(visibleJson(contractOf(name, methods)));
  else if (output.format === "json") for (const method of methods) await output.json(method);
  else {
    for (const method of methods) {
      await output.line(visible(signatureOf(method)));
      const codes = Object.keys(method.errors ?? {});
      const traits = [
        ...(method.idempotent === true ? ["idempotent"] : []),
        ...(codes.length > 0 ? [`errors ${codes.join(", ")}`] : []),
      ];
      if (traits.length > 0) await output.line(`  ${output.style("dim", visible(traits.join("; ")))}`);
    }
  }
  if (methods.length === 0) output.note(`${name} describes no methods`);
  return undefined;
}
