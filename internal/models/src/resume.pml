/* Resume as docs/WIRE.md has it: two peers, one session, N messages in each direction, over DIALS connections of the client.

   Messages carry their numbers for the assertions only; the protocol counts. A cut loses any suffix of what is in flight. The
   server need not notice it: it may go on reading and writing a connection that the client has left. The second connection
   may reach an intruder that holds the same pre-shared key, and has a connection of its own to the server.

   Each of these macros breaks one rule: NOFENCE, NOATTEMPT, NOREWIND, NOPROOF, NOBINDING, NOSERVERPROOF, BELIEVED, NOROOM.
   resume.test.ts says what follows. */

#define N 3                       /* messages in each direction */
#define BUFFER 2                  /* unacknowledged messages that a sender keeps */
#define DIALS 3                   /* connections of the client; the last one is not cut */
#define QUEUE 2                   /* frames in flight in one direction */

#define INTRUDER DIALS            /* the intruder's connection to the server */
#define NONE 255                  /* no connection; the proof of a side without the session's key */
#define FORGED 9                  /* an attempt that no client has made */

/* A proof is modelled as the number of the connection for which a holder of the session's key computed it. */
mtype = { MESSAGE, ACK, RESUME, RESUMED, BUSY };
mtype = { ALIVE, EXPIRED, UNKNOWN };                         /* the session at the server */
mtype = { RESUMABLE, TOLD_COUNT, TOLD_NOTHING };             /* the session at the client */

chan toServer[DIALS + 1] = [QUEUE] of { mtype, byte, byte, byte };
chan toClient = [QUEUE] of { mtype, byte, byte, byte };      /* on the client's connection; what was sent on others is lost */

/* A direction: messages written on the current connection, written on any, known as received; received, and acknowledged. */
typedef Direction { byte next; byte written; byte covered; byte received; byte told }
Direction up, down;

byte dialled = 0;                 /* the client's connection */
bool waiting = false;             /* whether the client waits for RESUMED on it */
mtype known = RESUMABLE;
byte confirmed = 0;               /* messages that the client says have arrived when its session is lost */
bool hijacked = false;            /* whether the second connection reached the intruder */

mtype session = ALIVE;
byte current = 0;                 /* the server's connection for the session; NONE: detached */
byte attempt = 0;

#define canWrite(d) (d.next < N && d.next < d.covered + BUFFER)
#define write(d) d.next++; d.written = (d.next > d.written -> d.next : d.written)
#define cover(d, count) d.covered = (count > d.covered -> count : d.covered)
/* A peer has received only what was written, and never less than it has said before. */
#define assertCount(d, count) assert(count >= d.covered && count <= d.written)

/* Takes the next message: none twice, none missing, none out of order. */
#define take(d, number) d.received++; assert(number == d.received)

active proctype client() {
  byte a, count, proof;
  do
  :: atomic { !waiting && canWrite(up) && nfull(toServer[dialled]) -> write(up); toServer[dialled]!MESSAGE(up.next, 0, 0) }
  :: atomic { !waiting && down.told < down.received && nfull(toServer[dialled]) ->
       down.told = down.received; toServer[dialled]!ACK(down.received, 0, 0) }
  :: atomic { toClient?MESSAGE(a, _, _) -> take(down, a); a = 0 }
  :: atomic { toClient?ACK(a, _, _) -> assertCount(up, a); cover(up, a); a = 0 }
  :: atomic { toClient?RESUMED(a, count, proof) ->
       if
#ifdef NOSERVERPROOF
       :: a == 0 ->
#else
       :: a == 0 && proof == dialled ->
#endif
            assert(!hijacked || dialled != 1);               /* nothing is resent to an intruder */
            assertCount(up, count);
            cover(up, count); up.next = count; down.told = down.received; waiting = false
#ifdef BELIEVED
       :: a == 1 || a == 2 -> known = TOLD_COUNT; confirmed = count
#else
       :: a == 2 && proof == dialled -> known = TOLD_COUNT; confirmed = count
       :: a == 1 -> known = TOLD_NOTHING; confirmed = up.covered
#endif
       :: else                                               /* without a proof: it dials again */
       fi;
       a = 0; count = 0; proof = 0 }
#ifdef NOROOM
  :: atomic { toClient?BUSY(_, _, _) }                       /* it dials again */
#endif
  :: atomic { known == RESUMABLE && dialled < DIALS - 1 ->   /* it notices a cut, ends this connection, and dials */
       do :: toClient?_, _, _, _ :: empty(toClient) -> break od;
       dialled++; waiting = true;
       if :: dialled == 1 -> hijacked = true :: true fi;
       toServer[dialled]!RESUME(dialled, down.received, dialled) }
  :: atomic { known != RESUMABLE || (up.covered == N && down.received == N) -> break }
  od;
  /* What the application is told is true: no more and no less has arrived. */
  assert(known == RESUMABLE || (confirmed <= up.received && up.received <= up.written));
  assert(known != TOLD_COUNT || confirmed == up.received)
}

/* Its handshakes succeed, but it has no key of the session. The client sends it RESUME. */
active proctype intruder() {
  byte a, count, proof;
end: do
  :: atomic { hijacked && dialled == 1 && nempty(toServer[1]) ->
       toServer[1]?RESUME(a, count, proof);
       if
       :: toServer[INTRUDER]!RESUME(a, count, proof)         /* relays it, or replays it later */
       :: toServer[INTRUDER]!RESUME(FORGED, count, NONE)     /* makes one of its own */
       :: toClient!RESUMED(0, count, NONE)                   /* asks for what is resent */
       :: toClient!RESUMED(1, N, NONE)                       /* says that the session is gone, and everything has arrived */
       :: toClient!RESUMED(2, N, NONE)
       fi;
       a = 0; count = 0; proof = 0 }
  od
}

/* Sends RESUMED on connection i. */
#define answer(how, number, of) if :: i == dialled -> toClient!RESUMED(how, number, of) :: else fi

#if defined(NOPROOF)
#define isProved true
#elif defined(NOBINDING)
#define isProved (proof != NONE)
#else
#define isProved (proof == i)
#endif

#define refuse() if :: i == dialled -> toClient!BUSY(0, 0, 0) :: else fi

/* Reads a frame of connection i. */
inline serve() {
  if
  :: toServer[i]?MESSAGE(a, _, _) ->
       if
#ifdef NOFENCE
       :: session == ALIVE -> take(up, a)
#else
       :: session == ALIVE && i == current -> take(up, a)
#endif
       :: else
       fi
  :: toServer[i]?ACK(a, _, _) ->
       if :: session == ALIVE && i == current -> assertCount(down, a); cover(down, a) :: else fi
  :: toServer[i]?RESUME(a, count, proof) ->
       if
       :: session == UNKNOWN -> answer(1, 0, NONE)
       :: session != UNKNOWN && !isProved                    /* refused: only the intruder gets this answer */
       :: session == EXPIRED && isProved -> answer(2, up.received, i)
       :: session == ALIVE && isProved ->
            if
#ifdef NOROOM
            :: current != NONE -> refuse()                   /* full, as it has not noticed the end of the old connection */
#endif
#ifndef NOATTEMPT
            :: a <= attempt                                  /* closed without an answer */
#endif
            :: else ->
                 assert(i != INTRUDER);                      /* no other side gets the session */
                 attempt = a; current = i;                   /* the fence: the old connection ends before the answer */
                 assertCount(down, count); cover(down, count);
#ifndef NOREWIND
                 down.next = count;
#endif
                 up.told = up.received;
                 answer(0, up.received, i)
            fi
       fi
  fi;
  i = 0; a = 0; count = 0; proof = 0
}

#define send(kind, number) if :: current == dialled -> toClient!kind(number, 0, 0) :: else fi
#define isAttached (session == ALIVE && current != NONE)
#define isFree (current != dialled || nfull(toClient))

active proctype server() {
  byte i, a, count, proof;
end: do
  :: atomic {
       if
       :: nempty(toServer[0])
       :: nempty(toServer[1]) && !hijacked -> i = 1
       :: nempty(toServer[2]) -> i = 2
       :: nempty(toServer[INTRUDER]) -> i = INTRUDER
       fi;
       serve() }
  :: atomic { isAttached && isFree && canWrite(down) -> write(down); send(MESSAGE, down.next) }
  :: atomic { isAttached && isFree && up.told < up.received -> up.told = up.received; send(ACK, up.received) }
  :: atomic { isAttached && current != dialled -> current = NONE }       /* it notices a cut */
  /* The session expires, or another client takes the place of a detached one. A tombstone stays. */
  :: atomic { session == ALIVE && current == NONE -> session = EXPIRED;
       assert(down.covered <= down.received && down.received <= down.written) }
  /* It is restarted. The client has a connection left to be told on. */
  :: atomic { session != UNKNOWN && dialled < DIALS - 1 -> session = UNKNOWN; current = NONE }
  od
}
