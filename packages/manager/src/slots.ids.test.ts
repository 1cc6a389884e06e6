import { expect, it } from "vitest";
import { ClientIds } from "./slots.js";

it("gives each slot and each client of the shared endpoint the next id, from 1 up", () => {
  const ids = new ClientIds(false);
  expect([ids.nextSlot(), ids.nextShared(), ids.nextShared(), ids.nextSlot()]).toEqual([1, 2, 3, 4]);
});

it("where slots are ports, gives clients of the shared endpoint ids that no slot can have", () => {
  const ids = new ClientIds(true);
  expect([ids.nextSlot(), ids.nextShared(), ids.nextShared(), ids.nextSlot()]).toEqual([1, 65_536, 65_537, 2]);
});
