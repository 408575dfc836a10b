"""Runs the lab's netsh and sc for those who ask by TCP from Windows' side: a line of JSON with program and arguments
comes, a line with the exit code and the printed bytes go. `python -m tests.windows.relay FOLDER PORT`."""

import asyncio
import json
import sys
from pathlib import Path


async def serve(folder: Path, port: int) -> None:
    """Until killed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        program, *arguments = json.loads(await reader.readline())
        process = await asyncio.create_subprocess_exec(
            folder / Path(program).name, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
        writer.write(b"%d\n" % (process.returncode or 0) + printed)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
