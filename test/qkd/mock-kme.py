#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A pair of key management entities for tests, as ETSI GS QKD 014 V1.1.1 describes them.  Never for keys that matter.

mock-kme.py FOLDER [--ports A,B] [--tls FOLDER] [--most N] [--stock N]

Two servers on 127.0.0.1, one for either end of a link that is a dictionary.  Writes FOLDER/ports ("A B") when both
listen, and runs until it is ended, or its parent is.  Over http each server takes its caller for the one SAE that it
has ("sae-a", "sae-b"); with --tls, FOLDER of which holds ca.pem, kme.pem and kme.key, the SAE is the common name in the
caller's certificate, and several may share a server.

Faults, for the requests for keys: FOLDER/fault holds a word and how many requests it spares first ("too-few 2"); it
applies as long as it is there.  FOLDER/log has a line a request.
"""
import argparse
import base64
import http.server
import json
import os
import re
import ssl
import sys
import threading
import time
import uuid

STATUS = {'key_size': 256, 'min_key_size': 64, 'max_key_size': 65536, 'max_SAE_ID_count': 0}


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Link:
    """What both servers have in common."""

    def __init__(self, options):
        self.folder, self.most, self.stock = options.folder, options.most, options.stock
        self.lock = threading.Lock()
        self.keys = {}  # ID: (key, master, slave); deleted when both have it
        self.asked = 0

    def fault(self):
        """The fault for this request, or ''."""
        try:
            with open(os.path.join(self.folder, 'fault'), encoding='ascii') as file:
                words = file.read().split()
        except FileNotFoundError:
            self.asked = 0
            return ''
        self.asked += 1
        return words[0] if words and self.asked > int((words + ['0'])[1]) else ''

    def log(self, line):
        with open(os.path.join(self.folder, 'log'), 'a', encoding='ascii') as file:
            file.write(line + '\n')

    def fresh(self, master, slave, number, size):
        if number < 1 or number > self.most:
            raise Refusal(400, f'number must be 1 to {self.most}')
        if size % 8 or not STATUS['min_key_size'] <= size <= STATUS['max_key_size']:
            raise Refusal(400, 'size is not supported')
        if number > self.stock:
            raise Refusal(503, 'not enough keys are stored')
        self.stock -= number
        made = []
        for _ in range(number):
            name, key = str(uuid.uuid4()), os.urandom(size // 8)
            self.keys[name] = (key, master, slave)
            made.append((name, key))
        return made

    def stored(self, slave, master, names):
        known = [self.keys.get(name) for name in names]
        if any(k is None or k[1:] != (master, slave) for k in known):
            raise Refusal(400, 'at least one key ID is unknown')
        for name in names:
            del self.keys[name]
        return [(name, k[0]) for name, k in zip(names, known)]


def container(keys):
    return {'keys': [{'key_ID': name, 'key': base64.b64encode(key).decode()} for name, key in keys],
            'key_container_extension': {'note': 'mock \u00e9', 'list': [1, -2.5e3, True, None]}}


def spoil(fault, keys):
    """A list of keys with that fault in it."""
    if fault == 'too-few':
        return keys[:-1]
    if fault == 'too-many':
        return keys + [(str(uuid.uuid4()), keys[0][1])]
    if fault == 'size':
        return keys[:-1] + [(keys[-1][0], keys[-1][1][:-1])]
    if fault == 'same-id':
        return keys[:-1] + [(keys[0][0], keys[-1][1])]
    if fault == 'same-key':
        return keys[:-1] + [(keys[-1][0], keys[0][1])]
    if fault == 'other-id':
        return keys[:-1] + [(str(uuid.uuid4()), keys[-1][1])]
    if fault == 'other-key':
        return keys[:-1] + [(keys[-1][0], os.urandom(len(keys[-1][1])))]
    if fault == 'upper':
        return [(name.upper(), key) for name, key in keys]
    if fault == 'stuck':
        return [(name, bytes(len(key))) for name, key in keys]
    if fault == 'reorder':
        return keys[::-1]
    return keys


BODIES = {  # fault: what is sent instead of JSON
    'cut': lambda text: text[:-7],
    'garbage': lambda text: b'\xff\x00{{{{',
    'html': lambda text: b'<html>no</html>',
    'deep': lambda text: b'[' * 5000,
    'slashes': lambda text: text.replace(b'/', b'\\/'),
    'huge': lambda text: b'{"keys":[],"x":"' + b'x' * 9000000 + b'"}',
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    link = sae = None  # set by the server's own class

    def log_message(self, *_):
        pass

    def caller(self):
        if self.sae:
            return self.sae
        names = dict(pair[0] for pair in self.connection.getpeercert()['subject'])
        return names['commonName']

    def send(self, status, body):
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def status(self, peer):
        body = dict(STATUS, source_KME_ID='kme', target_KME_ID='kme2', master_SAE_ID=self.caller(), slave_SAE_ID=peer,
                    stored_key_count=self.link.stock, max_key_count=10 ** 9, max_key_per_request=self.link.most)
        self.send(200, json.dumps(body).encode())

    def keys(self, what, peer, request):
        with self.link.lock:
            fault = self.link.fault()
            self.link.log(f'{self.caller()} {what} {peer} {fault or "-"}')
            if fault.isdigit():
                raise Refusal(int(fault), 'a fault that the test asked for')
            if what == 'enc_keys':
                keys = self.link.fresh(self.caller(), peer, int(request.get('number', 1)), int(request.get('size', 256)))
            else:
                keys = self.link.stored(self.caller(), peer, [k['key_ID'] for k in request['key_IDs']])
        if fault == 'hang':
            time.sleep(30)
        if fault == 'break':
            self.close_connection = True
            return
        text = json.dumps(container(spoil(fault, keys))).encode()
        self.send(200, BODIES.get(fault, lambda whole: whole)(text))

    def answer(self, request):
        found = re.fullmatch(r'/api/v1/keys/([^/?]+)/(status|enc_keys|dec_keys)', self.path)
        try:
            if not found:
                raise Refusal(404, 'no such resource')
            peer, what = found.groups()
            if what == 'status':
                self.status(peer)
            else:
                self.keys(what, peer, request)
        except Refusal as refusal:
            self.send(refusal.status, json.dumps({'message': str(refusal)}).encode())
        except (BrokenPipeError, ConnectionError):
            self.close_connection = True

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.answer(json.loads(body))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that went away, or had no certificate


def serve(link, port, sae, tls):
    handler = type('OwnHandler', (Handler,), {'link': link, 'sae': None if tls else sae})
    server = Server(('127.0.0.1', port), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(tls, 'kme.pem'), os.path.join(tls, 'kme.key'))
        context.load_verify_locations(os.path.join(tls, 'ca.pem'))
        context.verify_mode = ssl.CERT_REQUIRED
        # the handshake belongs to the connection's thread, not to the one that accepts
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('folder')
    parser.add_argument('--ports', default='0,0')
    parser.add_argument('--tls')
    parser.add_argument('--most', type=int, default=128)
    parser.add_argument('--stock', type=int, default=10 ** 9)
    options = parser.parse_args()
    parent = os.getppid()
    link = Link(options)
    ports = [int(p) for p in options.ports.split(',')]
    used = [serve(link, port, sae, options.tls) for port, sae in zip(ports, ('sae-a', 'sae-b'))]
    name = os.path.join(options.folder, 'ports')
    with open(name + '.new', 'w', encoding='ascii') as file:
        file.write(f'{used[0]} {used[1]}\n')
    os.rename(name + '.new', name)
    while os.getppid() == parent:
        time.sleep(0.2)


if __name__ == '__main__':
    sys.exit(main())
