#!/usr/bin/env node
import { main } from "./program/main.js";

void main(process.argv.slice(2));
