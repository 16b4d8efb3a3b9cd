import asyncio
from contextlib import asynccontextmanager


@asynccontextmanager
async def transaction(rows):
    await asyncio.sleep(0.001)
    print("begin")
    saved = list(rows)
    try:
        yield rows
    except Exception:
        rows[:] = saved
        await asyncio.sleep(0.001)
        print("roll back")
        raise
    await asyncio.sleep(0.001)
    print("commit")


async def main():
    table = []

    async with transaction(table) as rows:
        rows.append(1)
        rows.append(2)
    print(table)

    try:
        async with transaction(table) as rows:
            rows.append(3)
            raise RuntimeError("three is too many")
    except RuntimeError as error:
        print(error)
    print(table)


asyncio.run(main())
