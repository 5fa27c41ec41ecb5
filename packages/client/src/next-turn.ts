type Later = (run: () => void) => void;

/**
 * Calls `run` after what is going on now, promises included, and before timers: one message for all that a program writes in one go. A
 * timer would take a millisecond or more, a microtask would come between two awaited writes.
 */
export const nextTurn: Later = (globalThis as { setImmediate?: Later }).setImmediate ?? byMessage();

function byMessage(): Later {
  const waiting: (() => void)[] = [];
  let channel: MessageChannel | undefined;
  return (run) => {
    channel ??= new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
    waiting.push(run);
    channel.port2.postMessage(0);
  };
}
