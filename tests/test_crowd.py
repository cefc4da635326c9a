"""Workers on two machines that share one database: four do more than one, and what dead ones held is done once."""

from pathlib import Path

from crowd import crowd


def test_what_two_of_four_workers_held_when_they_died_is_done_once_by_the_others(tmp_path: Path) -> None:
    """One is killed on each machine while all wait for a system; no search is lost, and none counts twice."""
    with crowd(tmp_path, cases=12, seconds=2.0) as made:
        made.make_due()
        with made.workers(4) as workers:
            made.wait_for(lambda: made.count("SELECT count(*) FROM work WHERE worker != ''") == 4)
            for worker in workers[:2]:
                worker.kill()
            made.await_end()
            assert [worker.poll() for worker in workers[2:]] == [None, None]
        assert made.searched() == [1] * 12
        assert made.count("SELECT count(*) FROM request WHERE state = 'review'") == 12
        assert made.count("SELECT count(*) FROM work WHERE worker != '' OR last_error != ''") == 0
        assert made.count("SELECT count(*) FROM case_file WHERE search_run = 1") == 12
