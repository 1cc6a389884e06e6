// The part of node-ipc 12 that the benchmark uses; it has no types of its own.
declare module "node-ipc" {
  import type { Socket } from "node:net";

  export class IPCModule {
    readonly config: object;
    readonly server: {
      on(event: string, listener: (...args: never[]) => void): void;
      emit(socket: Socket, event: string, data: unknown): void;
      start(): void;
    };
    readonly of: Record<
      string,
      | {
          readonly socket: Socket;
          on(event: string, listener: (...args: never[]) => void): void;
          emit(event: string, data: unknown): void;
        }
      | undefined
    >;
    serve(path: string, listening: () => void): void;
    connectTo(id: string, path: string, made: () => void): void;
    disconnect(id: string): void;
  }
}
