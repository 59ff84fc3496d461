FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/litopys ./cmd/litopys && install -d -m 0700 /out/data

# Static and without a shell; the user is nonroot (65532).
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/litopys /usr/local/bin/litopys
COPY --from=build --chown=65532:65532 /out/data /data
ENV LITOPYS_DIR=/data
VOLUME /data
ENTRYPOINT ["/usr/local/bin/litopys"]
CMD ["--help"]
