import asyncio


class Connection:
    def __init__(self, host):
        self.host = host

    async def ask(self, question):
        await asyncio.sleep(0.001)
        if not question.endswith("?"):
            raise ValueError("that is no question")
        return f"{self.host} has no answer to {question}"


class Connecting:
    def __init__(self, host):
        self.host = host

    async def __aenter__(self):
        await asyncio.sleep(0.001)
        print(f"connected to {self.host}")
        return Connection(self.host)

    async def __aexit__(self, exc_t, exc_v, exc_tb):
        await asyncio.sleep(0.001)
        print("disconnected" if exc_v is None else f"disconnected, for {exc_v}")
        return False


async def main():
    async with Connecting("example.org") as connection:
        print(await connection.ask("why?"))

    try:
        async with Connecting("example.com") as connection:
            await connection.ask("so.")
    except ValueError as error:
        print(f"propagated: {error}")


asyncio.run(main())
