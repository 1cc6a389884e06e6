import { expect, it } from "vitest";
import { sumUp } from "./system-calls.js";

it("reads strace's table: writes, reads and others, with and without errors, not their total", () => {
  const table = [
    "% time     seconds  usecs/call     calls    errors syscall",
    "------ ----------- ----------- --------- --------- ------------------",
    " 84.86    4.781023         776      6157       456 futex",
    "  8.64    0.486866         117      4154         1 epoll_pwait",
    "  0.34    0.018904           7      2615           read",
    "  0.32    0.018254           5      3280         2 write",
    "  0.03    0.001694          29        58        20 writev",
    "------ ----------- ----------- --------- --------- ------------------",
    "100.00    5.306741          14     16264       479 total",
  ];
  expect(sumUp(table.join("\n"))).toEqual({ writes: 3_338, reads: 2_615, others: 10_311 });
});
