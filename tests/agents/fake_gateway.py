"""A gateway of a few lines for the real transport to talk to, and a network that can be cut."""

import asyncio
import base64
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from websockets.asyncio.server import ServerConnection

from agents import protocol
from agents.net import Network
from agents.protocol import Finished, Instruction, Message, Rehearsal, StepDone


@dataclass
class Gateway:
    """Enrols, welcomes and acknowledges; tests read `heard` and send through `line`."""

    acked: int = 0
    acknowledge: bool = True
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    heard: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    hellos: list[protocol.Hello] = field(default_factory=list)
    enrols: list[protocol.Enrol] = field(default_factory=list)
    public: Ed25519PublicKey | None = None
    refuse: str = ""  # the code with which every Hello is refused until somebody enrols
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    bad_token: bool = False
    agent: str = "a1"
    line: ServerConnection | None = None
    now_ms: int = 1_900_000_000_000

    async def serve(self, line: ServerConnection) -> None:
        await line.send(protocol.dump(protocol.Challenge("nonce", self.now_ms)))
        message = protocol.parse(await line.recv())
        if isinstance(message, protocol.Enrol):
            self.enrols.append(message)
            if self.bad_token:
                await line.send(protocol.dump(protocol.Refused("bad_token", "it is spent")))
                return
            if self.refuse == "key_in_use":
                self.refuse = ""
                await line.send(protocol.dump(protocol.Refused("key_in_use", "another device's")))
                return
            self.public = Ed25519PublicKey.from_public_bytes(base64.b64decode(message.public_key))
            payload = protocol.enrol_payload("nonce", message.token, message.public_key)
            self.public.verify(base64.b64decode(message.signature), payload)
            key = base64.b64encode(self.key.public_key().public_bytes_raw()).decode()
            await line.send(protocol.dump(protocol.Enrolled(self.agent, key)))
            self.refuse = ""
            message = protocol.parse(await line.recv())
        assert isinstance(message, protocol.Hello)
        if self.refuse:
            self.refused.set()
            await line.send(protocol.dump(protocol.Refused(self.refuse, "not you")))
            return
        self.public.verify(base64.b64decode(message.signature), protocol.hello_payload("nonce", self.agent))
        self.hellos.append(message)
        await line.send(protocol.dump(protocol.Welcome(self.acked, self.now_ms)))
        self.line = line
        async for text in line:
            message = protocol.parse(text)
            await self.heard.put(message)
            if isinstance(message, StepDone | Finished) and self.acknowledge:
                self.acked = max(self.acked, message.n)
                await line.send(protocol.dump(protocol.Ack(self.acked)))

    async def instruct(self, instruction: Instruction, key: Ed25519PrivateKey | None = None) -> None:
        body = protocol.dump_signed(instruction)
        signature = base64.b64encode((key or self.key).sign(body.encode())).decode()
        await self.line.send(protocol.dump(protocol.Instruct(body, signature)))

    async def rehearse(self, order: Rehearsal, key: Ed25519PrivateKey | None = None) -> None:
        body = protocol.dump_signed(order)
        signature = base64.b64encode((key or self.key).sign(body.encode())).decode()
        await self.line.send(protocol.dump(protocol.Rehearse(body, signature)))

    async def hear(self, kind: type) -> Any:
        """The next message of this kind; others are passed over."""
        async with asyncio.timeout(20):
            while not isinstance(message := await self.heard.get(), kind):
                pass
            return message


class Cuttable(Network):
    def __init__(self) -> None:
        self.cut = asyncio.Event()

    async def before_request(self) -> None:
        if self.cut.is_set():
            raise OSError("the network is gone")

    async def until_cut(self) -> None:
        await self.cut.wait()
