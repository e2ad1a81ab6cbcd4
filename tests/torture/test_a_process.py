"""A process within a loop: once it is killed its peers find its sockets closed, and it reaches nobody any more."""

import asyncio

import pytest

from tests.torture.a_process import LoopOfProcesses, Process


def test_a_killed_process_holds_no_socket_and_opens_none() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    async def live(port: int, reached: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"I am here")
        reached.set()
        try:
            await reader.read()
        finally:
            writer.write(b" and want to say good-bye")
            with pytest.raises(ConnectionError):
                await asyncio.open_connection("127.0.0.1", port)

    async def test() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        process, reached = Process(), asyncio.Event()
        running = process.context.run(asyncio.create_task, live(port, reached))
        await reached.wait()
        await asyncio.sleep(1)
        process.kill()
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        await asyncio.sleep(1)
        assert heard == [b"I am here"]
        # others go on
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(1)
        server.close()
        await server.wait_closed()

    with asyncio.Runner(loop_factory=LoopOfProcesses) as runner:
        runner.run(test())
