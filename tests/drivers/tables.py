"""Exchanges of the six devices as their manuals print them, as hex or text, and devices at rest made of them.

Nothing here is made with a driver's codec: one bug must not be able to hide on both sides.
"""

from __future__ import annotations

import asyncio

from drivers.testing.links import Answer, TableLink


def h(text: str) -> bytes:
    """Bytes from hex with blanks."""
    return bytes.fromhex(text)


# ---- T&C CXN: the exchanges printed in the interface description and in PyMeasure's tests
CXN_CONTROL = (h("43 00 42 43 55 55 00 00 01 72"), h("2A 52 00 00 02 00 01 00 55"))
CXN_SET_50_W = (h("43 00 53 41 00 32 00 00 01 09"), h("2A"))
CXN_SET_0_W = (h("43 00 53 41 00 00 00 00 00 D7"), h("2A"))
CXN_RF_ON = (h("43 00 42 52 55 55 00 00 01 81"), h("2A"))
CXN_RF_OFF = (h("43 00 42 52 00 00 00 00 00 D7"), h("2A"))
CXN_GP_50_W = (h("43 00 47 50 00 00 00 00 00 DA"), h("2A 52 00 00 06 01 F4 00 19 01 DB 02 42"))
CXN_SET_20_W = (h("43 00 53 41 00 14 00 00 00 EB"), h("2A"))
CXN_GP_20_W = (CXN_GP_50_W[0], h("2A 52 00 00 06 00 C8 00 0A 00 BE 01 E8"))
CXN_GP_0_W = (CXN_GP_50_W[0], h("2A 52 00 00 06 00 00 00 00 00 00 00 58"))
CXN_GS_RF_ON = (h("43 00 47 53 00 00 00 00 00 DD"), h("2A 52 00 00 08 00 11 00 DD 00 04 00 03 01 4F"))
CXN_GS_OFF = (CXN_GS_RF_ON[0], h("2A 52 00 00 08 00 00 00 DD 00 01 00 01 01 39"))
CXN_GS_ON = (CXN_GS_RF_ON[0], h("2A 52 00 00 08 00 01 00 DD 00 01 00 01 01 3A"))
CXN_GL_0_W = (h("43 00 47 4C 00 00 00 00 00 D6"), h("2A 52 00 00 02 00 00 00 54"))
CXN_GL_20_W = (CXN_GL_0_W[0], h("2A 52 00 00 02 00 C8 01 1C"))
CXN_GL_50_W = (CXN_GL_0_W[0], h("2A 52 00 00 02 01 F4 01 49"))
CXN_MODEL = (h("43 00 47 69 00 01 00 00 00 F4"), h("2A 52 00 00 10 00 01") + b"AG 0313 GTC  \0" + h("03 10"))
CXN_SERIAL = (h("43 00 47 69 00 02 00 00 00 F5"), h("2A 52 00 00 06 00 02") + b"A12\0" + h("00 FE"))
CXN_LIMITS = (
    h("43 00 47 70 00 00 00 00 00 FA"),
    h("2A 52 00 00 14 34 F8 0B B8 FF FF FF FF FF FF FF FF FF FF FF FF 34 F8 02 BC 10 33"),
)
CXN_FIRMWARE = (h("43 00 47 66 00 00 00 00 00 F0"), h("2A 52 00 00 04 01 02 03 04 00 60"))
CXN_FREQUENCY = (h("43 00 47 46 00 00 00 00 00 D0"), h("2A 52 00 00 04 00 06 DD D0 02 09"))  # 450 000 Hz
CXN_LIMIT_200_W = (h("43 00 53 55 00 01 00 C8 01 B4"), h("2A"))
CXN_LIMIT_300_W = (h("43 00 53 55 00 01 01 2C 01 19"), h("2A"))
CXN_NO_POWER_READING = (CXN_GP_50_W[0], h("2A 52 00 00 06 FF FF FF FF FF FF 06 52"))

CXN_AT_REST = (
    CXN_CONTROL, CXN_SET_0_W, CXN_RF_OFF, CXN_GP_0_W, CXN_GS_OFF, CXN_GL_0_W, CXN_MODEL, CXN_SERIAL, CXN_LIMITS,
    CXN_FIRMWARE, CXN_FREQUENCY, CXN_LIMIT_200_W, CXN_LIMIT_300_W,
)  # fmt: skip


class CxnLink(TableLink):
    """A generator at rest that remembers whether it was turned on, to what, and that somebody still talks to it."""

    def __init__(self, **overrides: Answer) -> None:
        super().__init__(dict(CXN_AT_REST))
        self.table[CXN_RF_ON[0]] = lambda: self._turn(True)
        self.table[CXN_RF_OFF[0]] = lambda: self._turn(False)
        for watts, (request, _) in {0: CXN_SET_0_W, 20: CXN_SET_20_W, 50: CXN_SET_50_W}.items():
            self.table[request] = lambda watts=watts: self._set(watts)
        self.table.update({globals()[key][0]: answer for key, answer in overrides.items()})
        self._overrides = set(overrides)
        self.rf_on = False
        self.set_w = 0
        self._heard_s = 0.0

    def write(self, data: bytes) -> None:
        """Two seconds without a frame turn it off."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._heard_s > 2.0:
            self.rf_on, self.set_w = False, 0
            self._show()
        self._heard_s = now_s
        super().write(data)

    def _turn(self, on: bool) -> bytes:
        self.rf_on = on
        self._show()
        return h("2A")

    def _set(self, watts: int) -> bytes:
        self.set_w = watts
        self._show()
        return h("2A")

    def _show(self) -> None:
        flowing_w = self.set_w if self.rf_on else 0
        for name, (request, reply) in {
            "CXN_GS_OFF": CXN_GS_ON if self.rf_on else CXN_GS_OFF,
            "CXN_GP_0_W": {0: CXN_GP_0_W, 20: CXN_GP_20_W, 50: CXN_GP_50_W}[flowing_w],
            "CXN_GL_0_W": {0: CXN_GL_0_W, 20: CXN_GL_20_W, 50: CXN_GL_50_W}[self.set_w],
        }.items():
            if name not in self._overrides:
                self.table[request] = reply


# ---- Ismatec Reglo ICC: manual 14-036-E
ISMATEC_AT_REST: dict[bytes, Answer] = {
    b"1~\r": b"1\r\n",
    b"1~1\r": b"*",
    b"1xE0\r": b"*",
    b"1#\r": b"REGLO ICC 0208 306\r\n",
    b"1xS\r": b"306000123\r\n",
    b"1xA\r": b"4\r\n",
    b"1(\r": b"0114\r\n",
    b"1E\r": b"-",
    b"1J\r": b"*",
    b"1K\r": b"*",
    b"1M\r": b"*",
    b"1xM\r": b"M\r\n",
    b"1?\r": b"138.0 ml/min\r\n",
    b"1f\r": b"1300E-3\r\n",
    b"1f1300-3\r": b"1300E-3\r\n",
    b"1f1000+1\r": b"1000E+1\r\n",
    b"1f8000+1\r": b"8000E+1\r\n",
    b"1I\r": b"*",
    b"1H\r": b"*",
    b"1xe\r": b"R 1386E-1\r\n",
}


class IsmatecLink(TableLink):
    """A pump at rest that remembers its flow, and whether it turns."""

    def __init__(self) -> None:
        super().__init__(dict(ISMATEC_AT_REST))
        for request, reply in {b"1f1000+1\r": b"1000E+1\r\n", b"1f8000+1\r": b"8000E+1\r\n"}.items():
            self.table[request] = lambda reply=reply: self._keep(b"1f\r", reply, reply)
        self.table[b"1H\r"] = lambda: self._keep(b"1E\r", b"+", b"*")
        self.table[b"1I\r"] = lambda: self._keep(b"1E\r", b"-", b"*")

    def _keep(self, request: bytes, reply: bytes, answer: bytes) -> bytes:
        self.table[request] = reply
        return answer


# ---- Keysight 34970A
KEYSIGHT_IDN = b"HEWLETT-PACKARD,34970A,0,13-2-2\n"
KEYSIGHT_AT_REST: dict[bytes, Answer] = {
    b"\n": b"",
    b"*IDN?\n": KEYSIGHT_IDN,
    b"SYST:REM\n": b"",
    b"*RST\n": b"",
    b"*CLS\n": b"",
    b"*OPC?\n": b"1\n",
    b"FORM:READ:CHAN OFF\n": b"",
    b"FORM:READ:TIME OFF\n": b"",
    b"FORM:READ:UNIT OFF\n": b"",
    b"FORM:READ:ALAR OFF\n": b"",
    b"CONF:TEMP TC,T,(@101,102)\n": b"",
    b"TEMP:TRAN:TC:RJUN:TYPE INT,(@101,102)\n": b"",
    b"TEMP:NPLC 1,(@101,102)\n": b"",
    b"ROUT:SCAN (@101,102)\n": b"",
    b"SYST:ERR?\n": b'+0,"No error"\n',
    b"READ?\n": b"+2.25000000E+01,+2.26000000E+01\n",
}


# ---- Sensirion SLF3x on SCC1, a 1300F
SENSIRION_READ = h("7E 00 35 01 03 C6 7E")
SENSIRION_START_100_MS = h("7E 00 33 04 00 64 36 08 26 7E")
SENSIRION_START_50_MS = h("7E 00 33 04 00 32 36 08 58 7E")
# 80.00 mL/min on a 1300F would be out of range; 10.000 mL/min = 5000 counts = 13 88; 23.00 degC = 4600 = 11 F8
SENSIRION_READING = h("7E 00 35 00 06 7D 33 88 7D 31 F8 00 20 00 7E")
SENSIRION_AT_REST: dict[bytes, Answer] = {
    h("7E 00 D0 01 01 2D 7E"): h("7E 00 D0 00 05 53 43 43 31 00 20 7E"),  # SCC1
    h("7E 00 D0 01 03 2B 7E"): h("7E 00 D0 00 03 41 37 00 B4 7E"),  # A7
    h("7E 00 D1 00 2E 7E"): h("7E 00 D1 00 07 01 05 00 01 00 01 00 1F 7E"),
    h("7E 00 24 00 DB 7E"): h("7E 00 24 00 01 03 D7 7E"),
    h("7E 00 34 00 CB 7E"): h("7E 00 34 00 00 CB 7E"),
    h("7E 00 50 00 AF 7E"): h("7E 00 50 00 03 30 37 00 45 7E"),
    h("7E 00 53 02 36 08 6C 7E"): h("7E 00 53 00 06 01 F4 08 43 00 00 66 7E"),  # 500
    SENSIRION_START_50_MS: h("7E 00 33 00 00 CC 7E"),
    SENSIRION_READ: SENSIRION_READING,
}


# ---- Numato, eight ports
NUMATO_AT_REST: dict[bytes, Answer] = {
    b"\r": b"\n\r>",
    b"ver\r": b"ver\n\r00000009\n\r>",
    b"id get\r": b"id get\n\r00000000\n\r>",
    b"gpio iomask ff\r": b"gpio iomask ff\n\r>",
    b"gpio iodir ff\r": b"gpio iodir ff\n\r>",
    b"gpio readall\r": b"gpio readall\n\r0b\n\r>",
}


# ---- KMTronic, four relays
KMTRONIC_AT_REST: dict[bytes, Answer] = {
    h("FF 01 00 FF 01 00"): b"",
    h("FF 09 00"): h("00 00 00 00"),
}
