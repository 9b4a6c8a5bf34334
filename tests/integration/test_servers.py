"""The tests' own servers: fresh for each test, and gone with the run."""

import redis
from sqlalchemy import create_engine, text


def test_redis_is_empty_at_each_test(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left-behind", 1)


def test_redis_forgets_the_test_before(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_postgres_is_a_database_of_our_own(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (id int)"))
        assert connection.scalar(text("SHOW fsync")) == "on"
    engine.dispose()


def test_postgres_forgets_the_test_before(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE tablename = 'left_behind'")) == 0
    engine.dispose()
