"""List, create, get, update and delete for the resources of an account: one path and set of operations per kind.

A kind of resource defines its structs and calls functions of `accounts`; transactions, pagination, idempotency and
responses are shared.
"""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from linkweir.api.endpoint import ACCOUNT_PATH, CREATE_ERRORS, UPDATE_ERRORS, ApiRequest, Operation
from linkweir.api.v2 import cursor_pagination
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.response_types import Acknowledgement, ResourcePage
from linkweir.errors import NotFound
from linkweir.pagination import PageRequest, RowPage
from linkweir.web.json_response import JSONResponse


class ResourceEndpoints:
    """The operations on one kind of resource. `secret_field` is in the response to the creation only."""

    name: ClassVar[str]
    noun: ClassVar[str]
    article: ClassVar[str] = "a"
    response: ClassVar[type[Struct]]
    create_request: ClassVar[type[Struct]]
    update_request: ClassVar[type[Struct] | None] = None
    query: ClassVar[type[PageQuery]] = PageQuery
    secret_field: ClassVar[str] = ""
    scope_suffix: ClassVar[str] = ""
    is_deleted_per_domain: ClassVar[bool] = False
    is_extension: ClassVar[bool] = False

    def load_page(self, call: ApiRequest, connection: Connection, query: Any, page: PageRequest) -> RowPage:
        """Return a page of rows, newest first."""
        raise NotImplementedError

    def get_row(self, call: ApiRequest, connection: Connection) -> Mapping[Any, Any]:
        """Return the row of the resource in the path. Raises NotFound."""
        raise NotImplementedError

    def authorize_create(self, call: ApiRequest) -> None:
        """Raise Forbidden if the resource would have more rights than the principal."""

    def decode(self, call: ApiRequest, shape: type[Struct]) -> Any:
        """Decode the body and do slow work before the transaction. Raises ValidationError."""
        return call.decode(shape)

    def create_row(
        self, call: ApiRequest, connection: Connection, request: Any
    ) -> tuple[Mapping[Any, Any], str | None]:
        """Create a resource; return its row and its secret or None."""
        raise NotImplementedError

    def update_row(self, call: ApiRequest, connection: Connection, change: Any) -> Mapping[Any, Any]:
        """Update the resource in the path; return its row. Raises NotFound."""
        raise NotImplementedError

    def delete_row(self, call: ApiRequest, connection: Connection) -> None:
        """Delete the resource in the path. Raises NotFound."""
        raise NotImplementedError

    def to_resource(self, call: ApiRequest, row: Mapping[Any, Any]) -> Struct:
        """Convert the row to a response."""
        raise NotImplementedError

    def path_id(self, call: ApiRequest) -> uuid.UUID:
        """Return the id in the path. Raises NotFound for anything but a UUID."""
        try:
            return uuid.UUID(call.request.path_params["id"])
        except ValueError:
            raise NotFound(f"there is no such {self.noun}") from None

    def operations(self) -> list[Operation]:
        """Return the operations on this kind of resource."""
        collection_path, resource_path = f"{ACCOUNT_PATH}/{self.name}", f"{ACCOUNT_PATH}/{self.name}/{{id}}"
        read, write, remove = (f"{self.name}:{action}{self.scope_suffix}" for action in ("read", "write", "delete"))
        noun = f"{self.article} {self.noun}"
        operations = [
            Operation(
                method="get",
                path=collection_path,
                summary=f"List {self.noun}s",
                handler=self._list,
                scope=read,
                query=self.query,
                response=ResourcePage[self.response],  # type: ignore[name-defined]
                is_extension=self.is_extension,
            ),
            Operation(
                method="post",
                path=collection_path,
                summary=f"Create {noun}",
                handler=self._create,
                authorize=self.authorize_create,
                scope=write,
                request=self.create_request,
                response=self.response,
                status=201,
                errors=CREATE_ERRORS,
                is_extension=self.is_extension,
            ),
            Operation(
                method="get",
                path=resource_path,
                summary=f"Get {noun}",
                handler=self._get,
                scope=read,
                response=self.response,
                is_extension=self.is_extension,
            ),
            Operation(
                method="delete",
                path=resource_path,
                summary=f"Delete {noun}",
                handler=self._delete,
                scope=f"{remove}:all" if self.is_deleted_per_domain else remove,
                is_per_domain=self.is_deleted_per_domain,
                response=Acknowledgement,
                is_extension=self.is_extension,
            ),
        ]
        if self.update_request is not None:
            operations.append(
                Operation(
                    method="put",
                    path=resource_path,
                    summary=f"Change {noun}",
                    handler=partial(self._update, self.update_request),
                    scope=write,
                    request=self.update_request,
                    response=self.response,
                    errors=UPDATE_ERRORS,
                    is_extension=self.is_extension,
                )
            )
        return operations

    def _list(self, call: ApiRequest) -> Struct:
        query = call.parse_query(self.query)
        page_request = cursor_pagination.to_page_request(query)
        with call.services.database.read() as connection:
            page = self.load_page(call, connection, query, page_request)
        return cursor_pagination.to_resource_page(page, partial(self.to_resource, call))

    def _create(self, call: ApiRequest) -> Response:
        request = self.decode(call, self.create_request)
        with call.services.database.write() as connection:
            row, secret = self.create_row(call, connection, request)
            resource = self.to_resource(call, row)
            if secret is not None:
                setattr(resource, self.secret_field, secret)
            body = msgspec.json.encode(resource)
            call.idempotency.store_response(connection, 201, body, secret=secret is not None)
        return JSONResponse(body, 201)

    def _get(self, call: ApiRequest) -> Struct:
        with call.services.database.read() as connection:
            row = self.get_row(call, connection)
        return self.to_resource(call, row)

    def _update(self, shape: type[Struct], call: ApiRequest) -> Struct:
        change = self.decode(call, shape)
        with call.services.database.write() as connection:
            row = self.update_row(call, connection, change)
        return self.to_resource(call, row)

    def _delete(self, call: ApiRequest) -> Struct:
        with call.services.database.write() as connection:
            self.delete_row(call, connection)
        return Acknowledgement("deleted")
