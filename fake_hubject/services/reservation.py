"""Reservation: start and stop, checked and forwarded like their remote counterparts."""

from fake_hubject.services import remote_requests

OPERATIONS = {
    remote_requests.RESERVE: remote_requests.from_emp,
    remote_requests.RELEASE: remote_requests.from_emp,
}
