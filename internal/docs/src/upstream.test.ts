import { expect, test } from "vitest";
import { filesUnder, readText } from "../../architecture/src/source-tree.js";

const rows = [...readText("docs/UPSTREAM.md").matchAll(/^\| (\d+) \|/gm)].map(([, row]) => Number(row));

/** The tests of golang-ipc v1.3.5 (ipc_test.go) and of its later versions. */
const GO_TESTS: readonly string[] = `
  TestClientClose TestClientCorrectMessageType TestClientReadClose TestClientReconnect TestClientReconnectTimeout
  TestClientSendMessage TestClientWrongMessageType TestGetConnected TestRead TestServerClose TestServerCorrectMessageType
  TestServerReceiveWrongVersionNumber TestServerReceiveWrongVersionNumberMulti TestServerReconnect TestServerReconnect2
  TestServerReconnect2Multi TestServerReconnectMulti TestServerSendMessage TestServerWrongEncryption
  TestServerWrongEncryption2 TestServerWrongMessageType TestStartUp_Configs TestStartUp_Configs2 TestStartUp_Configs3
  TestStartUp_Name TestStatus TestTimeoutNoServer TestTimeoutNoServerRetry TestTimeoutServerDisconnected TestUnmask
  TestWrite`
  .trim()
  .split(/\s+/);

/** Returns the references in the names of tests: `refuses 97 bytes of junk (golang-ipc: row 10, TestX)`. */
function references(): Set<string> {
  const found = new Set<string>();
  const files = ["packages", "internal"].flatMap((folder) => filesUnder(folder, [".test.ts", "option-refusals.ts"]));
  for (const file of files.filter((path) => !path.includes("upstream.test"))) {
    for (const [, list = ""] of readText(file).matchAll(/\(golang-ipc: ([^)]+)\)/g)) {
      for (const reference of list.split(", ")) found.add(reference);
    }
  }
  return found;
}

test("docs/UPSTREAM.md numbers its rows from 1 on", () => {
  expect(rows).toEqual(Array.from({ length: 39 }, (_, index) => index + 1));
});

test("each row and each test of golang-ipc is named by a test, and no test names another", () => {
  expect([...references()].sort()).toEqual([...rows.map((row) => `row ${row}`), ...GO_TESTS].sort());
});
