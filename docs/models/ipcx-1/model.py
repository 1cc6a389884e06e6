#!/usr/bin/env python3
"""Writes a ProVerif model of ipcx/1 (docs/WIRE.md) for one configuration and one question to stdout.

usage: model.py MODE LEAK QUESTION
MODE: the sum of 1 pre-shared key, 2 server signs, 4 client signs; both sides require them. `7+6+1`: sessions of these modes run
  at the same time with the same keys, for attacks across modes.
LEAK: none | late (all long-term keys, after the sessions) | csk | ssk | psk (one long-term key, from the start)
QUESTION: reach | secrecy | auth | bind | weakpsk | passive
"""
import sys
modes=[int(m) for m in sys.argv[1].split('+')]; leak=sys.argv[2]; q=sys.argv[3]
head='''
free c: channel.
type key. type G. type exponent. type skey. type pkey.
const g: G [data].
fun exp(G, exponent): G.
equation forall x: exponent, y: exponent; exp(exp(g, x), y) = exp(exp(g, y), x).
fun aead(key, bitstring, bitstring, bitstring): bitstring.
reduc forall k: key, n: bitstring, a: bitstring, m: bitstring; unaead(k, n, a, aead(k, n, a, m)) = m.
reduc forall k: key, n: bitstring, a: bitstring, m: bitstring; unaeadany(k, aead(k, n, a, m)) = m.
fun mac(key, bitstring): bitstring.
fun h(bitstring): bitstring.
fun compatKey(G): key.
fun hkdfx(bitstring, G, key): key.
fun okm(key, bitstring): key.
fun pk(skey): pkey.
fun sign(skey, bitstring): bitstring.
reduc forall k: skey, m: bitstring; checksign(pk(k), m, sign(k, m)) = m.
reduc forall k: skey, m: bitstring; getmess(sign(k, m)) = m.
fun key2b(key): bitstring [data,typeConverter].
const zeroPsk: key. const nobody: pkey.
const lTH,lck,lsk,lca,lsa,lCsig,lSsig,lName,noId,aAUTH,aDATA,n0,n1,hello,ok,magic,limitS,limitC,featuresS,featuresC: bitstring.
'''
for m in range(8): head+=f'const sel{m}: bitstring. const acc{m}: bitstring.\n'
head+='''
(* the transcript hash, the client's traffic key, the select's mode, the public keys of client and server in this side's view,
   the name of the server that this client expects or that this server has *)
event ClientSent(bitstring,key,bitstring,pkey,bitstring).
event ClientDone(bitstring,key,bitstring,pkey,pkey,bitstring).
event ServerSent(bitstring,key,bitstring,pkey,pkey,bitstring).
event ServerDone(bitstring,key,bitstring,pkey,pkey,bitstring).
free mC: bitstring [private]. free mS: bitstring [private].
free psk: key [private].
'''
def client(m):
    p='psk' if m&1 else 'zeroPsk'
    s=f'''
let client{m}(csk: skey, pkS: pkey, pkM: pkey, name: bitstring) =
  in(c, hello1: bitstring); out(c, ok);
  new x: exponent; out(c, exp(g, x));
  in(c, gy: G);
  let X = exp(gy, x) in
  in(c, (nl: bitstring, lim: bitstring));
  (* P: the server's limit, the offer, its features, the hash of its name, its instance *)
  let (lS: bitstring, =magic, =acc{m}, fS: bitstring, =h((lName, name)), inst: bitstring) = unaead(compatKey(X), nl, noId, lim) in
  let answer = (sel{m}, featuresC, limitC) in
  let TH = h((lTH, hello1, ok, exp(g, x), gy, (nl, lim), answer)) in
  let prk = hkdfx(TH, X, {p}) in
  let ck = okm(prk, lck) in let sk = okm(prk, lsk) in
'''
    if m&4: s+='  let id = (pk(csk), sign(csk, (lCsig, TH))) in\n  let me = pk(csk) in\n'
    else: s+='  let id = noId in\n  let me = nobody in\n'
    s+=f'''  event ClientSent(TH, ck, sel{m}, me, name);
  out(c, (answer, aead(ck, n0, aAUTH, (mac(okm(prk, lca), (TH, id)), id))));
  in(c, rec: bitstring);
  let (t: bitstring, sid: bitstring) = unaead(sk, n0, aAUTH, rec) in
  if t = mac(okm(prk, lsa), (TH, sid)) then
'''
    if m&2:
        s+=f'''  let (spk: pkey, ssig: bitstring) = sid in
  if spk = pkS || spk = pkM then
  if checksign(spk, (lSsig, TH), ssig) = (lSsig, TH) then
  event ClientDone(TH, ck, sel{m}, me, spk, name);
  if spk = pkS then
  out(c, aead(ck, n1, aDATA, mC)).
'''
    else:
        s+=f'''  if sid = noId then
  event ClientDone(TH, ck, sel{m}, me, nobody, name);
  out(c, aead(ck, n1, aDATA, mC)).
'''
    return s
def server(m):
    p='psk' if m&1 else 'zeroPsk'
    s=f'''
let server{m}(ssk: skey, pkC: pkey, pkM: pkey, name: bitstring) =
  out(c, hello); in(c, rep: bitstring);
  if rep = ok then
  new y: exponent; out(c, exp(g, y));
  in(c, gx: G);
  let X = exp(gx, y) in
  new nl: bitstring; new inst: bitstring;
  let lim = (nl, aead(compatKey(X), nl, noId, (limitS, magic, acc{m}, featuresS, h((lName, name)), inst))) in
  out(c, lim);
  in(c, ((=sel{m}, fC: bitstring, lC: bitstring), rec: bitstring));
  let answer = (sel{m}, fC, lC) in
  let TH = h((lTH, hello, rep, gx, exp(g, y), lim, answer)) in
  let prk = hkdfx(TH, X, {p}) in
  let ck = okm(prk, lck) in let sk = okm(prk, lsk) in
  let (t: bitstring, cid: bitstring) = unaead(ck, n0, aAUTH, rec) in
  if t = mac(okm(prk, lca), (TH, cid)) then
'''
    if m&4:
        s+=f'''  let (cpk: pkey, csig: bitstring) = cid in
  if cpk = pkC || cpk = pkM then
  if checksign(cpk, (lCsig, TH), csig) = (lCsig, TH) then
'''
    else: s+='  if cid = noId then\n  let cpk = nobody in\n'
    if m&2: s+='  let sid = (pk(ssk), sign(ssk, (lSsig, TH))) in\n  let me = pk(ssk) in\n'
    else: s+='  let sid = noId in\n  let me = nobody in\n'
    s+=f'''  event ServerSent(TH, ck, sel{m}, cpk, me, name);
  event ServerDone(TH, ck, sel{m}, cpk, me, name);
  out(c, aead(sk, n0, aAUTH, (mac(okm(prk, lsa), (TH, sid)), sid)));
'''
    s+='  if cpk = pkC then\n' if m&4 else ''
    s+='  out(c, aead(sk, n1, aDATA, mS)).\n'
    return s
body=''.join(client(m)+server(m) for m in modes)
qs=''
if q in('secrecy','passive'):
    qs+='query attacker(mC).\nquery attacker(mS).\n' if not leak.startswith('late') else 'query attacker(mC) phase 1.\nquery attacker(mS) phase 1.\n'
V='th: bitstring, k: key, pc: pkey, ps: pkey, th2: bitstring, pc2: pkey, ps2: pkey, s: bitstring, s2: bitstring, n: bitstring, n2: bitstring'
if q=='auth':
    # a side that has finished with an honest peer: that peer has sent its AUTH in the same session, once (injective)
    qs+='''query th: bitstring, k: key, pc: pkey, s: bitstring, n: bitstring; inj-event(ClientDone(th,k,s,pc,PKS,n)) ==> inj-event(ServerSent(th,k,s,pc,PKS,n)).
query th: bitstring, k: key, ps: pkey, s: bitstring, n: bitstring; inj-event(ServerDone(th,k,s,PKC,ps,n)) ==> inj-event(ClientSent(th,k,s,PKC,n)).
'''
if q=='bind':
    qs+=f'''query {V}; event(ClientDone(th,k,s,pc,ps,n)) && event(ServerDone(th2,k,s2,pc2,ps2,n2)) ==> th = th2 && s = s2 && pc = pc2 && ps = ps2 && n = n2.
'''
if q=='reach': qs+=f'''query {V}; event(ClientDone(th,k,s,pc,ps,n)).
query {V}; event(ServerDone(th,k,s,pc,ps,n)).
'''
if q=='weakpsk': qs+='weaksecret psk.\n'
# long-term keys as free private names so that queries can name them
body='free csk: skey [private]. free ssk: skey [private]. free msk: skey.\n'+body
def pkname(has,who): return f'pk({who})' if has else 'nobody'
qs=qs.replace('PKS',pkname(modes[0]&2,'ssk')).replace('PKC',pkname(modes[0]&4,'csk'))
main='process\n'
start={'csk':'out(c, csk); ','ssk':'out(c, ssk); ','psk':'out(c, psk); ','none':'','late':''}[leak]
main+=f'  out(c, pk(csk)); out(c, pk(ssk)); {start}\n  ('
parts=[]
for m in modes:
    # the attacker chooses the names: servers of every name have the same keys
    parts+= [f'!(in(c, n: bitstring); client{m}(csk, pk(ssk), pk(msk), n))', f'!(in(c, n: bitstring); server{m}(ssk, pk(csk), pk(msk), n))']
if leak=='late': parts.append('phase 1; out(c, (psk, csk, ssk))')
main+=' | '.join(parts)+')\n'
pre='set attacker = passive.\n' if q=='passive' else ''
print(pre+head+body+qs+main)
