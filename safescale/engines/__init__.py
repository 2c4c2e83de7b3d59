"""Everything that answers a prompt, behind one Protocol; each backend is imported only when it is opened."""

from safescale.engines.answers import RETRIED, Answer, EngineDied, Fault, FaultCode, OutOfMemory, TokenLogprobs, in_order
from safescale.engines.engine import Engine, EngineFacts, EngineSpec, OpenEngine, engine_names, open_engine
from safescale.engines.requests import Constraint, Message, Request, Sampling

__all__ = [
    "RETRIED",
    "Answer",
    "Constraint",
    "Engine",
    "EngineDied",
    "EngineFacts",
    "EngineSpec",
    "Fault",
    "FaultCode",
    "Message",
    "OpenEngine",
    "OutOfMemory",
    "Request",
    "Sampling",
    "TokenLogprobs",
    "engine_names",
    "in_order",
    "open_engine",
]
